"""The hot store from outside: probed while it fills, and read back with the topics when it is full."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cassandra.cluster import Session
from confluent_kafka import Producer

from harness.backends.protocol import Platform
from harness.base.clocks import Clocks
from harness.base.run_clock import RunClock
from harness.base.waiting import wait_until
from harness.clients.hot_store import hot_session
from harness.history.parquet_parts import without_dictionaries
from harness.history.schema import TABLES
from harness.observe.platform.hot_store import copies_of_hot_store
from harness.observe.platform.replication import copies_of_topics, replication
from harness.observe.prober.probe_plan import ProberConfig
from harness.observe.readback.hot_store import read_back_hot_store
from harness.observe.readback.topics import read_back, read_back_events, read_back_windows
from harness.scenario.topology import RoleSpec
from pipeline.base.endpoints import Endpoints
from pipeline.contract.derive import event_contract
from pipeline.contract.topics import TOPICS
from pipeline.hot import schema as hot
from tests.core.events_parts import plan_row, write_plan
from tests.engines.kafka_platform import MIB, make_topic, one_broker, platform_of

ROWS = [plan_row(seq, attributes='{"a":"1"}' if seq % 2 else None, value=seq / 2) for seq in range(40)]
START_MS = time.time_ns() // 3_600_000_000_000 * 3_600_000 - 7_200_000


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    services = {"cassandra": {"node": RoleSpec(count=1, memory=384 * MIB)}, "kafka": one_broker()}
    with platform_of(tmp_path_factory.mktemp("platform"), **services) as running:
        yield running


@pytest.fixture(scope="module")
def endpoints(platform: Platform) -> Endpoints:
    for topic in TOPICS:
        make_topic(platform.endpoints.kafka, topic)
    return platform.endpoints


@pytest.fixture
def session(endpoints: Endpoints) -> Iterator[Session]:
    """A hot store with nothing in it."""
    statements = hot.create_statements(
        event_contract(), datacenter=endpoints.cassandra.datacenter, replication_factor=1, ttl_s=86_400
    )
    with hot_session(endpoints.cassandra, timeout_s=30) as opened:
        for statement in (hot.drop_statement(), *statements):
            opened.execute(statement)
        yield opened


def put(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Write events as the hot writer does."""
    columns = hot.event_columns(event_contract())
    statement = session.prepare(hot.insert_statement(hot.RECENT_EVENTS, columns))
    for row in rows:
        at = datetime.fromtimestamp((START_MS + row["event_offset_ms"]) / 1000, UTC).replace(tzinfo=None)
        attributes = {"a": "1"} if row["attributes"] else None
        values = {**row, "event_time": at, "day": at.date(), "attributes": attributes}
        session.execute(statement, [values.get(column) for column in columns])


def put_window(session: Session, start_ms: int, end_ms: int) -> None:
    """Write a window of the busiest category."""
    columns = ("day", "window_kind", "key", "window_start", "window_end", "events", "measured")
    at = [datetime.fromtimestamp(ms / 1000, UTC).replace(tzinfo=None) for ms in (start_ms, end_ms)]
    statement = session.prepare(hot.insert_statement(hot.WINDOW_RESULTS, columns))
    session.execute(statement, (at[1].date(), "tumbling", "c", *at, 3, 3))


def table(folder: Path, name: str) -> list[dict[str, Any]]:
    """What the history holds of a table so far."""
    parts = [
        pq.read_table(p).cast(without_dictionaries(TABLES[name]))
        for p in sorted((folder / name).glob("*.parquet"))
    ]
    rows: list[dict[str, Any]] = pa.concat_tables(parts).to_pylist() if parts else []
    return rows


@pytest.fixture
def config(endpoints: Endpoints, tmp_path: Path) -> ProberConfig:
    endpoints.save(tmp_path / "endpoints.json")
    clock = RunClock.start()
    made = ProberConfig(
        endpoints=tmp_path / "endpoints.json",
        plan=write_plan(tmp_path / "plan.parquet", ROWS),
        history=tmp_path,
        clocks=Clocks(
            epoch_unix_ns=clock.epoch_unix_ns,
            epoch_monotonic_ns=clock.epoch_monotonic_ns,
            load_start_ns=1,
            origin_ms=START_MS,
            time_scale=1.0,
        ),
        duration_s=4.0,
        reads_per_s=100,
    )
    made.save(tmp_path / "prober.json")
    return made


@pytest.fixture
def prober(config: ProberConfig, session: Session) -> Iterator[subprocess.Popen[bytes]]:
    """A prober that has begun to read."""
    argv = [
        sys.executable,
        "-m",
        "harness.observe.prober.prober",
        "--config",
        str(config.history / "prober.json"),
    ]
    process = subprocess.Popen(argv)
    wait_until(lambda: table(config.history, "operations"), timeout_s=60, what="the prober's first reads")
    yield process
    process.kill()
    process.wait()


def seen(config: ProberConfig) -> set[tuple[str, str, int]]:
    """Store, event_id and event time (of windows: their end) of what was seen."""
    return {
        (row["store"], row["event_id"], row["event_time_ms"] - START_MS)
        for row in table(config.history, "seen")
    }


def test_the_prober_sees_each_event_and_window_once_they_are_there(
    prober: subprocess.Popen[bytes], config: ProberConfig, session: Session
) -> None:
    assert seen(config) == set()
    before_ns = config.clocks.run_clock.now_ns()
    put(session, ROWS)
    put_window(session, START_MS, START_MS + 300_000)
    expected = {("hot_events", row["event_id"], row["event_offset_ms"]) for row in ROWS}
    expected.add(("hot_windows", "", 300_000))
    wait_until(lambda: seen(config) == expected, timeout_s=60, what="everything to be seen")
    prober.send_signal(signal.SIGTERM)
    assert prober.wait(timeout=30) == 0
    rows = table(config.history, "seen")
    assert len(rows) == len(expected)
    assert all(row["at_ns"] > before_ns for row in rows)
    reads = table(config.history, "operations")
    assert {(row["kind"], row["outcome"], row["count"]) for row in reads} == {("hot_read", "ok", 1)}
    assert all(row["intended_ns"] <= row["started_ns"] < row["completed_ns"] for row in reads)


def test_reads_that_fail_are_recorded_and_the_prober_goes_on(
    platform: Platform, prober: subprocess.Popen[bytes], config: ProberConfig, session: Session
) -> None:
    session.execute(f"DROP TABLE {hot.KEYSPACE}.{hot.WINDOW_RESULTS}")

    def failed() -> bool:
        return any(row["outcome"] == "fail" for row in table(config.history, "operations"))

    wait_until(failed, timeout_s=60, what="a read that failed")
    put(session, ROWS[:1])
    wait_until(lambda: seen(config), timeout_s=60, what="an event to be seen after that")


def test_everything_is_read_back(endpoints: Endpoints, session: Session, tmp_path: Path) -> None:
    put(session, ROWS)
    put_window(session, START_MS, START_MS + 300_000)
    producer = Producer({"bootstrap.servers": endpoints.kafka.bootstrap})
    for row in ROWS[:3]:
        producer.produce("events", row["payload"], timestamp=START_MS + row["event_offset_ms"])
    producer.flush(30)
    said: list[str] = []

    def say(message: str) -> None:
        said.append(message)

    kafka, plan = endpoints.kafka, write_plan(tmp_path / "plan.parquet", ROWS)
    read_back(
        [
            lambda: read_back_events(kafka, plan, origin_ms=START_MS, history=tmp_path, report=say),
            lambda: read_back_windows(kafka, history=tmp_path, report=say),
            lambda: read_back_hot_store(endpoints.cassandra, history=tmp_path, report=say),
        ]
    )
    assert {row["seq"] for row in table(tmp_path, "readback_events")} == {0, 1, 2}
    found = {row["event_id"]: row for row in table(tmp_path, "readback_hot_events")}
    assert found.keys() == {row["event_id"] for row in ROWS}
    for row in ROWS:
        kept = found[row["event_id"]]
        assert kept["event_time_ms"] == START_MS + row["event_offset_ms"]
        assert (kept["value"], kept["attributes"]) == (row["value"], row["attributes"])
    (window,) = table(tmp_path, "readback_hot_windows")
    assert (window["window_start_ms"], window["window_end_ms"]) == (START_MS, START_MS + 300_000)
    assert (window["events"], window["value_sum"]) == (3, None)
    assert table(tmp_path, "readback_windows") == []
    assert "read back 3 records of events" in said


def test_copies_are_counted_where_they_lie(endpoints: Endpoints, session: Session) -> None:
    queries = {
        "topics": lambda: copies_of_topics(endpoints.kafka),
        "the hot store": lambda: copies_of_hot_store(endpoints.cassandra),
    }
    readings = replication(queries, print)
    own = {(r.metric, r.label): r.value for r in readings if r.label in {*TOPICS, hot.KEYSPACE}}
    assert own == {
        **{("topic_replication_factor", topic): 1 for topic in TOPICS},
        **{("topic_min_insync_replicas", topic): 1 for topic in TOPICS},
        ("keyspace_replication_factor", hot.KEYSPACE): 1,
    }
