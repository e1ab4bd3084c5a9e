"""Waits until everything that was sent has come out of the pipeline, and says what was left if it never does.

Three conditions, one after the other, none of which can hold too early:

1. The stream job has committed the end of the source topic, and a second has passed since. It commits when a
   checkpoint completes, so every event has been worked on; watermarks follow a fraction of a second behind,
   and bring forth the last windows.
2. Let N be the newest checkpoint now. Checkpoint N + 2 is complete, and no transaction on the output topics
   is open. Checkpoint N + 1 may have been under way at the time of 1, N + 2 began after it. What the job
   emitted before it is in the topics, and what is in the topics can be read. (After an overload Flink makes
   up for checkpoints that it missed, many a second: to wait for two of them alone is not to wait.)
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
    """Which topics the pipeline's consumers read and write, and the groups under which they commit."""

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
    """Records that a consumer had still to commit, by topic; absent where that could not be told."""
    last_seen: str
    """What the wait saw last, for people."""

    def readings(self) -> tuple[Reading, ...]:
        """``drain_complete``, and ``undrained_events`` of each topic, for ``Sampler.record``.

        Lags alone do not tell: they are nothing, too, when checkpoints cease once the source was consumed.
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
    """What the drain asks of harness/observe/platform/offsets.py."""

    def partitions(self, topics: Iterable[str]) -> tuple[Partition, ...]:
        """Every partition of the topics."""
        ...

    def end(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """The ends for read_committed consumers."""
        ...

    def written(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """The ends of what is written, committed or not."""
        ...

    def lag(self, group: str, topics: Iterable[str]) -> Lag:
        """How far the group is behind."""
        ...

    def exact(self, lag: Lag) -> Lag:
        """The lag without transaction markers."""
        ...


class Jobs(Protocol):
    """What the drain asks of harness/observe/platform/flink.py."""

    def state(self) -> JobState:
        """The jobs now."""
        ...


class Drain:
    """The wait, step by step. Every step may be repeated."""

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
        """Go on as far as the platform lets us now; True once all three conditions have held in turn."""
        if self._consumed_at_checkpoint is None:
            self._source_consumed()
        if self._consumed_at_checkpoint is not None and not self._all_out:
            self._outputs_committed(self._consumed_at_checkpoint + 2)
        return self._all_out and self._hot_written()

    def left(self) -> dict[str, int]:
        """What the consumers have still to commit, by topic, as far as that can be told."""
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
        self.seen = f"{lag:,} events of {self._path.source} that the stream job has not committed"
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
            self.seen = f"checkpoint {newest} is the newest, {checkpoint} is waited for"
            return
        partitions = self._reach.partitions(self._path.outputs)
        written, end = self._reach.written(partitions), self._reach.end(partitions)
        unfinished = [
            f"{topic}-{number}" for topic, number in partitions if end[topic, number] < written[topic, number]
        ]
        self.seen = f"open transactions on {', '.join(unfinished)}"
        if not unfinished:
            self._all_out = True
            self._report("everything that the stream job made of it is committed")

    def _hot_written(self) -> bool:
        lag = self._reach.exact(self._reach.lag(self._path.hot_group, self._path.hot_inputs)).events
        self.seen = ", ".join(f"{n:,} records of {topic}" for topic, n in lag.items()) + " not yet hot"
        return not any(lag.values())


def wait_until_drained(
    path: StreamPath, reach: Reach, jobs: Jobs, *, timeout_s: float, report: Report
) -> Drained:
    """Wait until the pipeline has drained, for ``timeout_s`` at most. The load must have ended before."""
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
    report("the hot store holds it all")
    return Drained(complete=True, undrained_events=drain.left(), last_seen=drain.seen)
