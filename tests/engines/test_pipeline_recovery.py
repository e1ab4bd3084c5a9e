"""What the stream job remembers over the loss of a TaskManager, and over an upgrade."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from harness.base.waiting import wait_until
from pipeline.base.errors import JobFailed
from pipeline.contract.topics import EVENTS_LATE
from pipeline.deployment import Pipeline
from pipeline.stream.deployment import StreamStatus
from tests.engines.pipeline_parts import OPTIONS, Stage, event, small_platform
from tests.engines.test_pipeline_stream import MINUTE_MS, NOON_MS

pytestmark = pytest.mark.timeout(300)

EVENING_MS = NOON_MS + 6 * 60 * MINUTE_MS


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The pipeline, deployed."""
    with small_platform(tmp_path_factory.mktemp("stage")) as (platform, endpoints):
        pipeline = Pipeline(endpoints, OPTIONS)
        pipeline.deploy()
        yield Stage(platform=platform, endpoints=endpoints, pipeline=pipeline)


@pytest.fixture(scope="module")
def restarted(stage: Stage) -> Stage:
    """A TaskManager was lost between two windows, and a late event was the first to come after it."""
    stage.send((NOON_MS, event("early")))
    stage.close_windows(NOON_MS + 5 * MINUTE_MS)
    stage.send((NOON_MS + 6 * MINUTE_MS, event("before")))
    stage.wait_for_valid("early", "before")
    stage.wait_for_windows("tumbling", NOON_MS + 5 * MINUTE_MS)
    stage.platform.signal("flink-taskmanager-1", "kill")
    stage.send(
        (NOON_MS + 1, event("late")),
        (NOON_MS + 6 * MINUTE_MS, event("before")),
        (NOON_MS + 7 * MINUTE_MS, event("after")),
    )
    stage.platform.start("flink-taskmanager-1")
    stage.wait_for_valid("after")
    stage.close_windows(NOON_MS + 90 * MINUTE_MS)
    stage.wait_for_windows("session", NOON_MS + 37 * MINUTE_MS)
    stage.wait_for_windows("hopping", NOON_MS + 20 * MINUTE_MS)
    return stage


@pytest.fixture(scope="module")
def upgraded(restarted: Stage) -> tuple[Stage, StreamStatus, StreamStatus]:
    """The job was replaced by one with other options while a window was open."""
    before = status(restarted)
    restarted.send((EVENING_MS, event("old")))
    restarted.wait_for_valid("old")
    restarted.pipeline.upgrade(replace(OPTIONS, stream=replace(OPTIONS.stream, checkpoint_interval_s=1.0)))
    after = status(restarted)
    restarted.send((EVENING_MS, event("old")), (EVENING_MS + MINUTE_MS, event("new")))
    restarted.wait_for_valid("new")
    restarted.close_windows(EVENING_MS + 60 * MINUTE_MS)
    restarted.wait_for_windows("tumbling", EVENING_MS + 5 * MINUTE_MS)
    return restarted, before, after


def status(stage: Stage) -> StreamStatus:
    found = stage.job()
    assert found is not None
    return found


def tumbling(stage: Stage, start_ms: int) -> list[int]:
    """How many events each result of this window counts."""
    return [
        window["events"]
        for window in stage.windows()
        if window["window_kind"] == "tumbling" and window["window_start"] == start_ms
    ]


def test_the_job_restarts_from_a_checkpoint(restarted: Stage) -> None:
    assert status(restarted).checkpoints.restored > 0
    wait_until(lambda: status(restarted).restarts, timeout_s=30, what="the restart to be counted")


def test_a_late_event_is_known_right_after_a_restart(restarted: Stage) -> None:
    late = [json.loads(message.value() or b"")["event_id"] for message in restarted.read(EVENTS_LATE)]
    assert late == ["late"]
    assert status(restarted).late_dropped == 0


def test_a_window_that_had_closed_is_not_emitted_again(restarted: Stage) -> None:
    assert tumbling(restarted, NOON_MS) == [1]


def test_an_open_window_keeps_its_events(restarted: Stage) -> None:
    assert tumbling(restarted, NOON_MS + 5 * MINUTE_MS) == [2]


def test_a_session_goes_on_over_a_restart(restarted: Stage) -> None:
    sessions = [w for w in restarted.windows() if (w["window_kind"], w["key"]) == ("session", "e")]
    assert [(s["window_start"], s["events"]) for s in sessions] == [(NOON_MS, 3)]


def test_duplicates_are_known_over_a_restart(restarted: Stage) -> None:
    assert restarted.valid().count("before") == 1


def test_an_upgrade_is_another_job(upgraded: tuple[Stage, StreamStatus, StreamStatus]) -> None:
    _, before, after = upgraded
    assert after.state == "RUNNING"
    assert after.job_id != before.job_id


def test_an_upgrade_forgets_and_repeats_nothing(upgraded: tuple[Stage, StreamStatus, StreamStatus]) -> None:
    stage, _, _ = upgraded
    assert stage.valid().count("old") == 1
    assert tumbling(stage, EVENING_MS) == [2]


def test_an_upgrade_that_cannot_start_leaves_the_old_job(
    upgraded: tuple[Stage, StreamStatus, StreamStatus],
) -> None:
    stage, _, before = upgraded
    other = replace(OPTIONS, stream=replace(OPTIONS.stream, late_events="drop"))
    with pytest.raises(JobFailed, match="the old job runs again"):
        stage.pipeline.upgrade(other)
    assert (status(stage).name, status(stage).state) == (before.name, "RUNNING")
    stage.send((EVENING_MS + 70 * MINUTE_MS, event("still")))
    stage.wait_for_valid("still")
