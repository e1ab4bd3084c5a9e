"""Waits until everything sent has come out of the pipeline, and returns what was left if it does not in time.

Three conditions must hold in turn; none can hold too early:

1. The stream job has committed the end of the source topic, and a second has passed since. It commits when a
   checkpoint completes, so every event has been processed; watermarks follow a fraction of a second later and
   close the last windows.
2. Let N be the newest checkpoint now. Checkpoint N + 2 is complete, and no transaction on the output topics
   is open. Checkpoint N + 1 may have been under way when condition 1 held; N + 2 began after that. Everything
   that the job emitted before it is in the topics and readable. (After an overload Flink makes up for missed
   checkpoints, many a second, so waiting for two checkpoints alone would be no wait.)
3. The hot writers have committed the ends that the output topics had after 2.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from harness.base.errors import WaitTimeout
from harness.base.report import Report
from harness.base.waiting import wait_until
from harness.observe.platform.flink import JobState, JobsUnknown
from harness.observe.platform.offsets import Lag, OffsetsUnknown, Partition
from harness.observe.platform.sampler import Reading

_POLL_S: Final = 0.2
_WATERMARK_S: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPath:
    """The topics that the pipeline's consumers read and write, and the groups under which they commit."""

    source: str
    stream_group: str
    outputs: tuple[str, ...]
    """Every topic that the stream job writes."""
    hot_group: str
    hot_inputs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    """How the wait ended."""

    complete: bool
    undrained_events: Mapping[str, int]
    """Records not yet committed by their consumer, by topic; topics of unknown lag are absent."""
    last_seen: str
    """The last state that the wait saw, for messages."""

    def readings(self) -> tuple[Reading, ...]:
        """``drain_complete``, and ``undrained_events`` of each topic, for ``Sampler.record``.

        Lags alone are not enough: they are also zero when checkpoints stop after the source was consumed.
        """
        seen = "" if self.complete else self.last_seen
        return (
            Reading(metric="drain_complete", label=seen, value=float(self.complete)),
            *(
                Reading(metric="undrained_events", label=topic, value=events)
                for topic, events in self.undrained_events.items()
            ),
        )


class Reach(Protocol):
    """The part of harness/observe/platform/offsets.py that the drain uses."""

    def partitions(self, topics: Iterable[str]) -> tuple[Partition, ...]:
        """Every partition of the topics."""
        ...

    def end(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """The ends for read_committed consumers."""
        ...

    def written(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """The ends of all written records, committed or not."""
        ...

    def lag(self, group: str, topics: Iterable[str]) -> Lag:
        """How far the group is behind."""
        ...

    def exact(self, lag: Lag) -> Lag:
        """The lag without transaction markers."""
        ...


class Jobs(Protocol):
    """The part of harness/observe/platform/flink.py that the drain uses."""

    def state(self) -> JobState:
        """The current state of the jobs."""
        ...


class Drain:
    """The wait as repeatable steps."""

    def __init__(
        self,
        path: StreamPath,
        reach: Reach,
        jobs: Jobs,
        report: Report,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path, self._reach, self._jobs, self._report, self._now_s = path, reach, jobs, report, now_s
        self._consumed_at_s: float | None = None
        self._consumed_at_checkpoint: int | None = None
        self._all_out = False
        self.seen = "nothing"

    def over(self) -> bool:
        """Advance as far as currently possible. Return True once all three conditions have held in turn."""
        if self._consumed_at_checkpoint is None:
            self._source_consumed()
        if self._consumed_at_checkpoint is not None and not self._all_out:
            self._outputs_committed(self._consumed_at_checkpoint + 2)
        return self._all_out and self._hot_written()

    def left(self) -> dict[str, int]:
        """The records that consumers have not committed, by topic, where known."""
        left: dict[str, int] = {}
        for group, topics in (
            (self._path.stream_group, (self._path.source,)),
            (self._path.hot_group, self._path.hot_inputs),
        ):
            try:
                left |= self._reach.exact(self._reach.lag(group, topics)).events
            except OffsetsUnknown as error:
                self.seen = str(error)
        return left

    def _source_consumed(self) -> None:
        lag = self._reach.lag(self._path.stream_group, [self._path.source]).events[self._path.source]
        self.seen = f"{lag:,} events of {self._path.source} not committed by the stream job"
        if lag:
            self._consumed_at_s = None
        elif self._consumed_at_s is None:
            self._consumed_at_s = self._now_s()
        elif self._now_s() - self._consumed_at_s >= _WATERMARK_S:
            self._consumed_at_checkpoint = self._jobs.state().newest_checkpoint
            self._report(f"the stream job has consumed {self._path.source}")

    def _outputs_committed(self, checkpoint: int) -> None:
        newest = self._jobs.state().newest_checkpoint
        if newest < checkpoint:
            self.seen = f"waiting for checkpoint {checkpoint}, the newest is {newest}"
            return
        partitions = self._reach.partitions(self._path.outputs)
        written, end = self._reach.written(partitions), self._reach.end(partitions)
        unfinished = [
            f"{topic}-{number}" for topic, number in partitions if end[topic, number] < written[topic, number]
        ]
        self.seen = f"open transactions on {', '.join(unfinished)}"
        if not unfinished:
            self._all_out = True
            self._report("the stream job has committed all its output")

    def _hot_written(self) -> bool:
        lag = self._reach.exact(self._reach.lag(self._path.hot_group, self._path.hot_inputs)).events
        self.seen = (
            ", ".join(f"{n:,} records of {topic}" for topic, n in lag.items()) + " not yet in the hot store"
        )
        return not any(lag.values())


def wait_until_drained(
    path: StreamPath, reach: Reach, jobs: Jobs, *, timeout_s: float, report: Report
) -> Drained:
    """Wait at most ``timeout_s`` until the pipeline has drained. The load must have ended."""
    drain = Drain(path, reach, jobs, report)
    try:
        wait_until(
            drain.over,
            timeout_s=timeout_s,
            what="the pipeline to drain",
            last_seen=lambda: drain.seen,
            poll_s=_POLL_S,
            transient=(OffsetsUnknown, JobsUnknown),
        )
    except WaitTimeout as timeout:
        report(str(timeout))
        return Drained(complete=False, undrained_events=drain.left(), last_seen=timeout.last_seen)
    report("the hot store holds everything")
    return Drained(complete=True, undrained_events=drain.left(), last_seen=drain.seen)
