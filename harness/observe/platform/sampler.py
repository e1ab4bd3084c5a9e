"""Samples the platform each second throughout a run, without ever delaying the run.

The metrics, all in ``samples``:

| metric | label | what it is |
| --- | --- | --- |
| ``source_end_offset`` | topic | offsets of the source topic, all partitions together |
| ``stream_lag_events`` | topic | those not committed by the stream job |
| ``hot_lag_events`` | topic | records not committed by the hot writers |
| ``events_sent_total``, ``events_acknowledged_total`` | | the load's own counts |
| ``node_cpu_seconds_total``, ``node_memory_bytes`` | node | totals of the node's processes |
| ``checkpoints_completed_total``, ``job_restarts_total`` | | counts of the stream job |
| ``job_running`` | | 1 while all tasks of the stream job run, else 0 |
| ``drain_complete`` | the last state seen | 1 when everything came out in time, else 0 |
| ``undrained_events`` | topic | records left when the run gave up waiting, else 0 |
| ``topic_replication_factor`` and others | topic | once, at the end; see replication.py |
| ``samples_missed_total`` | source | samples that could not be taken; these are left out |

Samples of one metric taken together have the same time.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from harness.base.run_clock import RunClock
from harness.history.writer import TableWriter

_LOG: Final = logging.getLogger(__name__)
_INTERVAL_S: Final = 1.0
_LAST_SAMPLE_S: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One value of one metric."""

    metric: str
    label: str = ""
    value: float


class SampleMissed(Exception):
    """A source could not be read; the message has the reason."""


class Source(Protocol):
    """A source of readings, read once a second in its own thread."""

    name: str

    def read(self) -> Iterable[Reading]:
        """The current values. Raises ``SampleMissed``, within a few seconds at most."""
        ...

    def close(self) -> None:
        """Close all connections."""
        ...


class Sampler:
    """Reads every source on its own schedule, so that a hanging source delays no other."""

    def __init__(self, sources: Sequence[Source], writer: TableWriter, clock: RunClock) -> None:
        self._sources, self._writer, self._clock = sources, writer, clock
        self._stop = threading.Event()
        self._writing = threading.Lock()
        self._missed: Counter[str] = Counter()
        self._warned: set[str] = set()
        self._threads = [
            threading.Thread(target=self._follow, args=(source,), name=f"sample-{source.name}", daemon=True)
            for source in sources
        ]

    def start(self) -> None:
        """Start sampling."""
        for thread in self._threads:
            thread.start()

    def record(self, readings: Iterable[Reading]) -> None:
        """Write values measured elsewhere, at the current time. Must not be called after ``stop``."""
        self._record(self._clock.now_ns(), readings)

    def stop(self) -> None:
        """Take a last sample of every source and write everything pending."""
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=_LAST_SAMPLE_S)
        with self._writing:
            self._writer.close()

    def _follow(self, source: Source) -> None:
        try:
            while not self._stop.wait(self._until_next_s()):
                self._sample(source)
            self._sample(source)
        finally:
            source.close()

    def _until_next_s(self) -> float:
        """Seconds to the run's next full second: a slow source skips samples rather than catch up."""
        return _INTERVAL_S - self._clock.now_ns() / 1e9 % _INTERVAL_S

    def _sample(self, source: Source) -> None:
        at_ns = self._clock.now_ns()
        try:
            readings = list(source.read())
        except SampleMissed:
            readings = [self._miss(source)]
        except Exception as error:  # noqa: BLE001 -- otherwise the source would be lost for the rest of the run
            readings = [self._miss(source)]
            if source.name not in self._warned:
                self._warned.add(source.name)
                _LOG.warning("%s cannot be sampled: %s: %s", source.name, type(error).__name__, error)
        self._record(at_ns, readings)

    def _miss(self, source: Source) -> Reading:
        self._missed[source.name] += 1
        return Reading(metric="samples_missed_total", label=source.name, value=self._missed[source.name])

    def _record(self, at_ns: int, readings: Iterable[Reading]) -> None:
        with self._writing:
            for reading in readings:
                self._writer.add(
                    at_ns=at_ns, metric=reading.metric, label=reading.label, value=float(reading.value)
                )
