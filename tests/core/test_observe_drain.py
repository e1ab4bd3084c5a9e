"""The drain is over when nothing is left anywhere, and not a moment earlier."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pytest

from harness.observe.platform.drain import Drain, Drained, StreamPath, wait_until_drained
from harness.observe.platform.flink import JobState, JobsUnknown
from harness.observe.platform.offsets import Lag, OffsetsUnknown, Partition

PATH = StreamPath(
    source="events",
    stream_group="stream",
    outputs=("valid", "windows"),
    hot_group="hot",
    hot_inputs=("valid",),
)


@dataclass
class Cluster:
    """A platform that says what it is told to say. Every topic has one partition."""

    lags: dict[str, int] = field(default_factory=lambda: {"events": 0, "valid": 0})
    open_transactions: set[str] = field(default_factory=set)
    checkpoint: int = 7
    now_s: float = 0.0
    offsets_down: bool = False
    job_down: bool = False

    def partitions(self, topics: Iterable[str]) -> tuple[Partition, ...]:
        return tuple((topic, 0) for topic in topics)

    def written(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        return dict.fromkeys(partitions, 100)

    def end(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        return {p: 90 if p[0] in self.open_transactions else 100 for p in partitions}

    def lag(self, group: str, topics: Iterable[str]) -> Lag:
        if self.offsets_down:
            raise OffsetsUnknown("broker down")
        partitions = self.partitions(topics)
        committed = {p: 100 - self.lags[p[0]] for p in partitions}
        return Lag(end=dict.fromkeys(partitions, 100), committed=committed)

    def exact(self, lag: Lag) -> Lag:
        return lag

    def state(self) -> JobState:
        if self.job_down:
            raise JobsUnknown("no answer")
        return JobState(
            running=True, restarts=0, checkpoints_completed=self.checkpoint, newest_checkpoint=self.checkpoint
        )


def drain(cluster: Cluster) -> Drain:
    """A wait that has looked once, as long ago as a watermark may take to follow."""
    waiting = Drain(PATH, cluster, cluster, lambda _: None, lambda: cluster.now_s)
    assert not waiting.over()
    cluster.now_s += 1
    return waiting


def test_it_is_not_over_while_the_source_is_not_consumed() -> None:
    cluster = Cluster(lags={"events": 1, "valid": 0})
    waiting = drain(cluster)
    assert not waiting.over()
    cluster.checkpoint += 100
    assert not waiting.over()
    assert waiting.seen == "1 events of events not committed by the stream job"


def test_checkpoints_that_follow_at_once_do_not_end_it_before_watermarks_followed() -> None:
    cluster = Cluster()
    waiting = drain(cluster)
    cluster.now_s -= 0.5
    for _ in range(5):
        cluster.checkpoint += 10
        assert not waiting.over()


def test_the_wait_for_watermarks_begins_again_when_more_events_come() -> None:
    cluster = Cluster()
    waiting = drain(cluster)
    for cluster.lags["events"] in (1, 0):
        assert not waiting.over()
    cluster.checkpoint += 10
    assert not waiting.over()
    cluster.now_s += 1
    for _ in range(3):
        assert not waiting.over()
    cluster.checkpoint += 2
    assert waiting.over()


def test_it_is_not_over_before_the_second_checkpoint_after_the_source_was_consumed() -> None:
    cluster = Cluster()
    waiting = drain(cluster)
    for cluster.checkpoint in (7, 8):
        assert not waiting.over()
    cluster.checkpoint = 9
    assert waiting.over()


def test_it_is_not_over_while_a_transaction_is_open() -> None:
    cluster = Cluster(open_transactions={"windows"})
    waiting = drain(cluster)
    assert not waiting.over()
    cluster.checkpoint = 9
    assert not waiting.over()
    assert waiting.seen == "open transactions on windows-0"
    cluster.open_transactions.clear()
    assert waiting.over()


def test_it_is_not_over_before_the_hot_store_has_it_all() -> None:
    cluster = Cluster(lags={"events": 0, "valid": 3})
    waiting = drain(cluster)
    assert not waiting.over()
    cluster.checkpoint = 9
    assert not waiting.over()
    cluster.lags["valid"] = 0
    assert waiting.over()


def test_what_is_left_at_the_end_of_the_wait_is_told() -> None:
    cluster = Cluster(lags={"events": 5, "valid": 2})
    drained = wait_until_drained(PATH, cluster, cluster, timeout_s=0, report=lambda _: None)
    assert not drained.complete
    assert drained.undrained_events == {"events": 5, "valid": 2}
    assert [(r.metric, r.label, r.value) for r in drained.readings()] == [
        ("drain_complete", "5 events of events not committed by the stream job", 0),
        ("undrained_events", "events", 5),
        ("undrained_events", "valid", 2),
    ]


def test_a_wait_that_ran_out_is_told_though_every_lag_is_none() -> None:
    cluster = Cluster(open_transactions={"windows"})
    drained = wait_until_drained(PATH, cluster, cluster, timeout_s=0, report=lambda _: None)
    assert {r.metric: r.value for r in drained.readings()} == {"drain_complete": 0, "undrained_events": 0}


def test_a_wait_that_came_to_its_end_says_so() -> None:
    drained = Drained(complete=True, undrained_events={"events": 0}, last_seen="nothing")
    assert [(r.metric, r.label, r.value) for r in drained.readings()] == [
        ("drain_complete", "", 1),
        ("undrained_events", "events", 0),
    ]


def test_what_cannot_be_told_is_not_made_up() -> None:
    cluster = Cluster(offsets_down=True)
    drained = wait_until_drained(PATH, cluster, cluster, timeout_s=0, report=lambda _: None)
    assert not drained.complete
    assert drained.undrained_events == {}


def test_a_job_manager_that_does_not_answer_is_asked_again() -> None:
    cluster = Cluster(job_down=True)
    waiting = drain(cluster)
    with pytest.raises(JobsUnknown):
        waiting.over()
    cluster.job_down = False
    assert not waiting.over()
    cluster.checkpoint += 2
    assert waiting.over()
