"""The sampler's sources: Kafka's offsets, Flink's REST API, the nodes, and the load's progress."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from harness.base.errors import PlatformError
from harness.history.progress import LoadProgress
from harness.observe.platform.flink import FlinkJobs, JobsUnknown
from harness.observe.platform.offsets import Offsets, OffsetsUnknown
from harness.observe.platform.sampler import Reading, SampleMissed
from harness.processes.protocol import ProcessStatus


class StreamLag:
    """The source topic's end, and how far the stream job's commits are behind it.

    Flink commits at checkpoints, so the lag of a job that keeps up swings between zero and one interval's
    events.
    """

    name = "stream"

    def __init__(self, offsets: Offsets, *, group: str, topic: str) -> None:
        self._offsets, self._group, self._topic = offsets, group, topic

    def read(self) -> Iterable[Reading]:
        """``source_end_offset`` and ``stream_lag_events``."""
        try:
            lag = self._offsets.lag(self._group, [self._topic])
        except OffsetsUnknown as error:
            self._offsets.reconnect()
            raise SampleMissed(str(error)) from error
        yield Reading(metric="source_end_offset", label=self._topic, value=sum(lag.end.values()))
        yield Reading(metric="stream_lag_events", label=self._topic, value=lag.events[self._topic])

    def close(self) -> None:
        """Close all connections."""
        self._offsets.close()


class HotLag:
    """How far the hot writers' commits are behind the topics that they read, without transaction markers."""

    name = "hot"

    def __init__(self, offsets: Offsets, *, group: str, topics: Sequence[str]) -> None:
        self._offsets, self._group, self._topics = offsets, group, topics

    def read(self) -> Iterable[Reading]:
        """``hot_lag_events`` of each topic."""
        try:
            lag = self._offsets.exact(self._offsets.lag(self._group, self._topics))
        except OffsetsUnknown as error:
            self._offsets.reconnect()
            raise SampleMissed(str(error)) from error
        for topic, events in lag.events.items():
            yield Reading(metric="hot_lag_events", label=topic, value=events)

    def close(self) -> None:
        """Close all connections."""
        self._offsets.close()


class StreamJob:
    """The stream job as Flink's JobManager sees it."""

    name = "flink"

    def __init__(self, jobs: FlinkJobs) -> None:
        self._jobs = jobs

    def read(self) -> Iterable[Reading]:
        """``job_running``, ``job_restarts_total`` and ``checkpoints_completed_total``."""
        try:
            state = self._jobs.state()
        except JobsUnknown as error:
            raise SampleMissed(str(error)) from error
        yield Reading(metric="job_running", value=float(state.running))
        yield Reading(metric="job_restarts_total", value=state.restarts)
        yield Reading(metric="checkpoints_completed_total", value=state.checkpoints_completed)

    def close(self) -> None:
        """Close the connection."""
        self._jobs.close()


class Nodes:
    """Processor time and memory of every node and process of the platform."""

    name = "nodes"

    def __init__(self, status: Callable[[], Iterable[ProcessStatus]]) -> None:
        self._status = status

    def read(self) -> Iterable[Reading]:
        """``node_cpu_seconds_total`` and ``node_memory_bytes`` of the nodes that have a process."""
        try:
            nodes = [node for node in self._status() if node.pid is not None]
        except (PlatformError, OSError) as error:
            raise SampleMissed(str(error)) from error
        for node in nodes:
            yield Reading(metric="node_cpu_seconds_total", label=node.name, value=node.cpu_s)
            yield Reading(metric="node_memory_bytes", label=node.name, value=node.memory_bytes)

    def close(self) -> None:
        """Nothing to close."""


class Load:
    """The load's own counts; none before the load has begun."""

    name = "load"

    def __init__(self, progress: Path) -> None:
        self._progress = progress

    def read(self) -> Iterable[Reading]:
        """``events_sent_total`` and ``events_acknowledged_total``."""
        try:
            progress = LoadProgress.load(self._progress)
        except (OSError, ValueError, TypeError) as error:
            raise SampleMissed(str(error)) from error
        if progress is not None:
            yield Reading(metric="events_sent_total", value=progress.sent)
            yield Reading(metric="events_acknowledged_total", value=progress.acknowledged)

    def close(self) -> None:
        """Nothing to close."""
