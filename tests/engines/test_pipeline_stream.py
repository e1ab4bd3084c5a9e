"""The stream path on real engines: what comes in, and what must come out of it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from confluent_kafka import Message
from confluent_kafka.admin import AdminClient

from harness.base.waiting import wait_until
from harness.clients.hot_store import hot_session
from pipeline.contract.topics import (
    EVENTS_LATE,
    TOPICS,
    DeadLetter,
)
from pipeline.deployment import Pipeline
from pipeline.layers.protocol import LayerStatus, ProcessFiles
from tests.core.contract_judge import keeps_contract
from tests.engines.pipeline_parts import OPTIONS, Stage, event, small_platform

pytestmark = pytest.mark.timeout(300)

MINUTE_MS = 60_000
NOON_MS = (time.time_ns() // 1_000_000 // 86_400_000 - 1) * 86_400_000 + 43_200_000

BROKEN = {
    b"": "not_json",
    b"{": "not_json",
    event("x")[:-9]: "not_json",
    event("x") + b"}": "not_json",
    event("x").decode().encode("utf-16"): "not_json",
    event("x", value=float("nan")): "not_json",
    event("x").replace(b'"x"', b'"\xff"'): "not_json",
    event("x").replace(b'"x"', rb'"\ud800"'): "not_json",
    b"[]": "not_object",
    b"17": "not_object",
    event("x").replace(b'"event_id"', b'"id"'): "missing:event_id",
    event("x", category=None): "missing:category",
    event(""): "length:event_id",
    event("x", entity_id="é" * 129): "length:entity_id",
    event("x", event_type="Seen"): "pattern:event_type",
    event("x", event_type="seen\n"): "pattern:event_type",
    event("x", reference_id=7): "type:reference_id",
    event("x", value="1.5"): "type:value",
    event("x", value=True): "type:value",
    event("x", quantity=1.0): "type:quantity",
    event("x", attributes={"a": 1}): "type:attributes",
    event("x", attributes=[]): "type:attributes",
    event("x", value=0).replace(b'"value": 0', b'"value": 1e999'): "range:value",
    event("x", quantity=-1): "range:quantity",
    event("x", quantity=2**63): "range:quantity",
    event("x")[:-1] + b', "event_id": "y"}': "duplicate:event_id",
    event("x", attributes={"a": "1"}).replace(b"}}", b', "a": "2"}}'): "duplicate:attributes",
    event("x")[:-1] + b', "other": 1, "other": 2}': "duplicate:other",
    event("x")[:-1] + b', "other": [{"a": 1, "a": 2}]}': "duplicate:other",
}
KEPT = {
    "longest": event("longest", entity_id="é" * 128),
    "empty": event("empty", category="", reference_id="", attributes={}),
    "nulls": event("nulls", reference_id=None, value=None, quantity=None, attributes=None),
    "whole": event("whole", value=-3, quantity=2**63 - 1),
    "other": event("other", more=[{"a": None}, {"a": 1}], event_time=1),
    "beyond": event("beyond", entity_id="\N{GRINNING FACE}" * 128),
}

HUGE = [event(f"huge-{n}", value=1.7e308, category="huge", entity_id="huge") for n in range(2)]
"""Two values whose sum is no double."""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The pipeline, deployed, with its hot writer."""
    folder = tmp_path_factory.mktemp("stage")
    with small_platform(folder) as (platform, endpoints):
        pipeline = Pipeline(endpoints, OPTIONS)
        pipeline.deploy()
        endpoints.save(folder / "endpoints.json")
        OPTIONS.save(folder / "options.json")
        files = ProcessFiles(
            endpoints=folder / "endpoints.json", options=folder / "options.json", metrics=folder
        )
        for process in pipeline.processes():
            platform.processes.spawn(process.name, process.command(files))
        yield Stage(platform=platform, endpoints=endpoints, pipeline=pipeline)


@pytest.fixture(scope="module")
def offsets(stage: Stage) -> list[int]:
    """Everything that breaks the contract is sent first, and where it then stands."""
    return stage.send(*((NOON_MS, value) for value in (*BROKEN, None)))


@pytest.fixture(scope="module")
def windows(stage: Stage, offsets: list[int]) -> list[dict[str, Any]]:
    """Every window of a quarter of an hour in which everything happens, but for its malformed records."""
    at = [NOON_MS + minute * MINUTE_MS for minute in (0, 1, 6, 36)]
    stage.send(*((NOON_MS, value) for value in (*KEPT.values(), *HUGE)))
    stage.send(
        (at[0], event("a", value=1.0)),
        (at[1], event("b", value=-2.5)),
        (at[1], event("c", category="d", entity_id="f")),
        (at[1], event("b", value=99.0)),
        (at[1] + 1, event("b", value=4.0)),
    )
    stage.close_windows(NOON_MS + 5 * MINUTE_MS)
    stage.send((at[0] + 5, event("late", value=1000.0)))
    stage.send((at[2], event("d", value=8.0)), (at[3], event("e", value=16.0)), partition=1)
    stage.close_windows(NOON_MS + 120 * MINUTE_MS)
    stage.wait_for_windows("session", at[3] + 30 * MINUTE_MS)
    stage.wait_for_windows("hopping", NOON_MS + 50 * MINUTE_MS)
    return stage.windows()


def of(windows: list[dict[str, Any]], kind: str, key: str) -> list[tuple[Any, ...]]:
    """Minutes since noon, counts and values of the windows of one kind and key."""
    names = ("events", "measured", "value_sum", "value_min", "value_max")
    return sorted(
        (
            (window["window_start"] - NOON_MS) / MINUTE_MS,
            (window["window_end"] - NOON_MS) / MINUTE_MS,
            *(window[name] for name in names),
        )
        for window in windows
        if (window["window_kind"], window["key"]) == (kind, key)
    )


def letter_of(message: Message) -> DeadLetter:
    return DeadLetter.from_headers(message.headers() or [])  # type: ignore[arg-type]


def test_deploying_twice_changes_nothing(stage: Stage) -> None:
    before = stage.job()
    stage.pipeline.deploy()
    after = stage.job()
    assert before is not None
    assert after is not None
    assert (after.job_id, after.state) == (before.job_id, "RUNNING")
    assert stage.pipeline.status() == {"stream": LayerStatus(deployed=True, detail="RUNNING")}


def test_what_breaks_the_contract_goes_to_the_dead_letters(stage: Stage, offsets: list[int]) -> None:
    letters = stage.wait_for_dead_letters(len(offsets))
    found = {letter_of(message).source_offset: message for message in letters}
    assert sorted(found) == offsets
    for offset, (value, reason) in zip(offsets, [*BROKEN.items(), (None, "not_json")], strict=True):
        message, letter = found[offset], letter_of(found[offset])
        assert (letter.reason, message.value()) == (reason, value)
        assert (letter.source_topic, letter.source_partition) == ("events", 0)
        assert (message.key(), message.timestamp()[1]) == (b"k", NOON_MS)


def test_another_reading_of_the_contract_agrees() -> None:
    # Half a surrogate pair is a text to Python, but not to UTF-8.
    assert not [value for value in BROKEN if keeps_contract(value) and b"ud800" not in value]
    assert all(keeps_contract(value) for value in KEPT.values())


def test_what_keeps_the_contract_passes_with_its_bytes(stage: Stage, windows: list[Any]) -> None:
    passed = {m.value(): (m.key(), m.timestamp()[1]) for m in stage.read("events_valid")}
    for value in KEPT.values():
        assert passed[value] == (json.loads(value)["entity_id"].encode(), NOON_MS)


def test_a_duplicate_passes_once(stage: Stage, windows: list[Any]) -> None:
    values = [json.loads(m.value() or b"") for m in stage.read("events_valid")]
    assert [event["value"] for event in values if event["event_id"] == "b"] == [-2.5, 4.0]


def test_a_late_event_is_kept_aside_and_passes(stage: Stage, windows: list[Any]) -> None:
    late = [(m.value(), m.key(), m.timestamp()[1]) for m in stage.read(EVENTS_LATE)]
    assert late == [(event("late", value=1000.0), b"e", NOON_MS + 5)]
    assert stage.valid().count("late") == 1


def test_tumbling_windows_count_each_event_once(windows: list[dict[str, Any]]) -> None:
    assert of(windows, "tumbling", "c") == [
        (0, 5, 8, 4, -0.5, -3.0, 4.0),
        (5, 10, 1, 1, 8.0, 8.0, 8.0),
        (35, 40, 1, 1, 16.0, 16.0, 16.0),
    ]


def test_a_window_without_values_has_nulls(windows: list[dict[str, Any]]) -> None:
    assert of(windows, "tumbling", "d") == [(0, 5, 1, 0, None, None, None)]


@pytest.mark.parametrize("kind", ["tumbling", "hopping", "session"])
def test_a_sum_that_is_not_finite_is_null(windows: list[dict[str, Any]], kind: str) -> None:
    found = {tuple(window[2:]) for window in of(windows, kind, "huge")}
    assert found == {(2, 2, None, 1.7e308, 1.7e308)}


def test_hopping_windows_hold_three_slices(windows: list[dict[str, Any]]) -> None:
    assert of(windows, "hopping", "c") == [
        (-10, 5, 8, 4, -0.5, -3.0, 4.0),
        (-5, 10, 9, 5, 7.5, -3.0, 8.0),
        (0, 15, 9, 5, 7.5, -3.0, 8.0),
        (5, 20, 1, 1, 8.0, 8.0, 8.0),
        (25, 40, 1, 1, 16.0, 16.0, 16.0),
        (30, 45, 1, 1, 16.0, 16.0, 16.0),
        (35, 50, 1, 1, 16.0, 16.0, 16.0),
    ]


def test_a_gap_of_exactly_half_an_hour_does_not_end_a_session(windows: list[dict[str, Any]]) -> None:
    assert of(windows, "session", "e") == [(0, 66, 9, 6, 23.5, -3.0, 16.0)]


def test_each_window_is_emitted_once(windows: list[dict[str, Any]]) -> None:
    names = [(w["window_kind"], w["key"], w["window_start"], w["window_end"]) for w in windows]
    assert len(names) == len(set(names))


def test_flink_dropped_nothing(stage: Stage, windows: list[Any]) -> None:
    status = stage.job()
    assert status is not None
    assert (status.late_dropped, status.restarts) == (0, 0)


def test_the_hot_store_has_every_valid_event_and_window(stage: Stage, windows: list[Any]) -> None:
    valid = sorted(stage.valid())
    with hot_session(stage.endpoints.cassandra, timeout_s=30) as session:

        def ids() -> list[str]:
            return sorted(row[0] for row in session.execute("SELECT event_id FROM hot.recent_events"))

        wait_until(lambda: ids() == valid, timeout_s=60, what="every event", last_seen=lambda: str(ids()))
        counted = "SELECT count(*) FROM hot.window_results"
        wait_until(
            lambda: session.execute(counted).one()[0] >= len(windows), timeout_s=60, what="every window"
        )


def test_undeploying_leaves_nothing(stage: Stage) -> None:
    stage.platform.processes.signal("hot-writer-1", "kill")
    stage.pipeline.undeploy()
    kafka = AdminClient({"bootstrap.servers": stage.endpoints.kafka.bootstrap})
    assert not set(TOPICS) & set(kafka.list_topics(timeout=30).topics)
    groups = {group.group_id for group in kafka.list_consumer_groups().result(30).valid}
    assert not groups & {"hot-writer", "floodmark-stream"}
    status = stage.job()
    assert status is not None
    assert status.state == "CANCELED"
    assert stage.pipeline.status()["stream"] == LayerStatus(deployed=False, detail="CANCELED")
    with hot_session(stage.endpoints.cassandra, timeout_s=30) as session:
        keyspaces = [row[0] for row in session.execute("SELECT keyspace_name FROM system_schema.keyspaces")]
    assert "hot" not in keyspaces


def test_undeploying_twice_changes_nothing(stage: Stage) -> None:
    stage.pipeline.undeploy()


def test_late_events_left_to_flink_are_dropped_and_counted(stage: Stage) -> None:
    options = replace(OPTIONS, stream=replace(OPTIONS.stream, late_events="drop"))
    dropping = replace(stage, pipeline=Pipeline(stage.endpoints, options))
    dropping.pipeline.deploy()
    dropping.send((NOON_MS, event("a")))
    dropping.close_windows(NOON_MS + 60 * MINUTE_MS)
    dropping.wait_for_windows("session", NOON_MS + 30 * MINUTE_MS)
    dropping.send((NOON_MS, event("late")))
    dropping.wait_for_valid("late")

    def dropped() -> int:
        status = dropping.job()
        return status.late_dropped if status else 0

    wait_until(dropped, timeout_s=60, what="a late event that Flink dropped")
    assert dropping.read(EVENTS_LATE) == []
    assert of(dropping.windows(), "tumbling", "c") == [(0, 5, 1, 0, None, None, None)]
