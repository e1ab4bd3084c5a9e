"""A load of single events on a real Kafka: what it says became of each event is what became of it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from harness.backends.protocol import Platform
from harness.base.waiting import wait_until
from harness.load.workers.config import LoadConfig
from tests.core.events_parts import plan_row, write_plan
from tests.engines.kafka_platform import configure, load_of, make_topic, one_broker, platform_of, records

ROWS = [plan_row(seq) for seq in range(1000)]


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with platform_of(tmp_path_factory.mktemp("platform"), kafka=one_broker()) as running:
        yield running


@pytest.fixture
def config(platform: Platform, tmp_path: Path, request: pytest.FixtureRequest) -> LoadConfig:
    """A second of events into a topic of its own."""
    topic = make_topic(platform.endpoints.kafka, f"t{abs(hash(request.node.name))}")
    return configure(tmp_path, platform, ROWS, topic)


@pytest.mark.parametrize(("users", "acks"), [(1, "all"), (3, "all"), (1, "1")])
def test_every_event_is_acknowledged_and_there_in_the_order_of_its_entity(
    platform: Platform, config: LoadConfig, users: int, acks: str
) -> None:
    config = config.model_copy(update={"users": users, "acks": acks})
    with load_of(config) as load:
        assert load.wait() == 0, load.log()
    assert load.outcomes() == dict.fromkeys(range(len(ROWS)), "ok")
    assert sum(row["count"] for row in load.operations()) == len(ROWS)
    found = records(platform.endpoints.kafka, config.topic)
    for entity in {row["entity_id"] for row in ROWS}:
        assert [m.value() for m in found if m.key() == entity.encode()] == [
            row["payload"] for row in ROWS if row["entity_id"] == entity
        ]
    times = {m.value(): m.timestamp()[1] for m in found}
    assert times == {row["payload"]: config.clocks.origin_ms + row["event_offset_ms"] for row in ROWS}


def test_a_paused_broker_shows_in_the_response_time_from_the_intended_moment(
    platform: Platform, config: LoadConfig
) -> None:
    rows = [plan_row(seq, send_offset_ms=seq * 5) for seq in range(1000)]
    config = configure(config.history, platform, rows, config.topic)
    with load_of(config) as load:
        load.wait_until_sent(100)
        platform.signal("kafka-broker-1", "pause")
        paused_ns = config.clocks.run_clock.now_ns()
        paused_at = load.progress()
        assert paused_at is not None
        # An open loop goes on sending although nothing is acknowledged.
        load.wait_until_sent(paused_at.sent + 200)
        resumed_ns = config.clocks.run_clock.now_ns()
        platform.signal("kafka-broker-1", "resume")
        assert load.wait() == 0, load.log()
    during = [row for row in load.operations() if paused_ns < row["started_ns"] < resumed_ns]
    assert sum(row["count"] for row in during) >= 100
    assert all(row["completed_ns"] > resumed_ns for row in during)
    assert set(load.outcomes().values()) == {"ok"}


def test_an_event_that_is_larger_than_allowed_has_failed(platform: Platform, config: LoadConfig) -> None:
    rows = [plan_row(0), plan_row(1, payload=b"x" * 2_000_000), plan_row(2)]
    config = configure(config.history, platform, rows, config.topic)
    with load_of(config) as load:
        assert load.wait() == 0, load.log()
    assert [(row["outcome"], row["error"]) for row in load.operations()] == [
        ("ok", ""),
        ("fail", "MSG_SIZE_TOO_LARGE"),
        ("ok", ""),
    ]
    assert len(records(platform.endpoints.kafka, config.topic)) == 2


def test_an_event_that_the_broker_refuses_has_failed(platform: Platform, config: LoadConfig) -> None:
    topic = make_topic(platform.endpoints.kafka, f"{config.topic}-small", max_message_bytes="5000")
    large = plan_row(1, payload=os.urandom(20_000), send_offset_ms=1000)
    rows = [plan_row(0), large, plan_row(2, send_offset_ms=2000)]
    config = configure(config.history, platform, rows, topic)
    with load_of(config) as load:
        assert load.wait() == 0, load.log()
    assert load.outcomes() == {0: "ok", 1: "fail", 2: "ok"}
    assert large["payload"] not in {message.value() for message in records(platform.endpoints.kafka, topic)}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_load_that_is_stopped_early_leaves_a_history_that_is_true(
    platform: Platform, config: LoadConfig, number: signal.Signals
) -> None:
    rows = [plan_row(seq, send_offset_ms=seq * 10) for seq in range(3000)]
    config = configure(config.history, platform, rows, config.topic)
    with load_of(config) as load:
        load.wait_until_sent(300)
        load.process.send_signal(number)
        assert load.wait() == (0 if number != signal.SIGKILL else -9), load.log()
    acknowledged = {rows[seq]["payload"] for seq, outcome in load.outcomes().items() if outcome == "ok"}
    found = {message.value() for message in records(platform.endpoints.kafka, config.topic)}
    assert 0 < len(acknowledged) < len(rows)
    assert acknowledged <= found
    progress = load.progress()
    assert progress is not None
    if number != signal.SIGKILL:
        assert acknowledged == found
        assert (progress.state, progress.sent, progress.acknowledged) == ("failed", len(found), len(found))


def test_a_topic_that_is_not_there_ends_the_load_with_an_error(config: LoadConfig) -> None:
    with load_of(config.model_copy(update={"topic": "no_such_topic"})) as load:
        assert load.wait() == 1
    assert "the load cannot start" in load.log()


def test_a_plan_that_turns_out_to_be_damaged_ends_the_load_with_an_error(config: LoadConfig) -> None:
    rows = [plan_row(seq, send_offset_ms=seq // 10) for seq in range(20_000)]
    plan = config.history / "plan.parquet"
    whole = write_plan(plan, rows, row_group_size=1000).read_bytes()
    middle = len(whole) // 2
    plan.write_bytes(whole[:middle] + bytes(64) + whole[middle + 64 :])
    with load_of(config) as load:
        assert load.wait() == 1, load.log()
    assert load.outcomes()


def test_the_same_file_serves_locusts_web_page(platform: Platform, config: LoadConfig) -> None:
    address = platform.endpoints.kafka.bootstrap_servers[0].partition(":")[0]
    page = f"http://{address}:8089"
    web = httpx.Client(base_url=page, trust_env=False)
    with load_of(config, "--web-host", address, headless=False), web as client:
        wait_until(
            lambda: client.get("/").status_code == 200,
            timeout_s=30,
            what="Locust's web page",
            transient=(httpx.TransportError,),
        )
        client.post("/swarm", data={"user_count": 2, "spawn_rate": 2}).raise_for_status()

        def requests() -> int:
            stats = client.get("/stats/requests").json()["stats"]
            return sum(entry["num_requests"] for entry in stats if entry["name"] == config.topic)

        wait_until(lambda: requests() == len(ROWS), timeout_s=30, what="every event on the web page")
