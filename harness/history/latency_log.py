"""Latencies as HdrHistogram interval logs: ``latency-<worker>.hlog``, which HdrHistogram's own tools read.

A line is one interval of about a second: its tag, its start in seconds since the run's epoch, its length, its
largest value in milliseconds, and its histogram. Histograms hold microseconds from 1 us to 1 h with three
significant digits; longer latencies count as 1 h. Acknowledged operations have the tags ``<kind>.wait``
(started - intended), ``<kind>.service`` (completed - started) and ``<kind>.response`` (completed - intended);
those sent as fast as possible have only ``<kind>.service``. All others count from the intended start until
their outcome was known: ``<kind>.fail`` and ``<kind>.unknown``. An interval holds the operations whose
outcome became known in it.

The format: https://hdrhistogram.github.io/HdrHistogram/JavaDoc/org/HdrHistogram/HistogramLogWriter.html
"""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogWriter

from harness.base.run_clock import RunClock

LOWEST_US: Final = 1
HIGHEST_US: Final = 3_600_000_000
DIGITS: Final = 3
_NS_PER_US: Final = 1000
_NS_PER_S: Final = 1_000_000_000
_US_PER_MS: Final = 1000


def empty_histogram() -> HdrHistogram:
    """Return an empty histogram of latencies in microseconds."""
    return HdrHistogram(LOWEST_US, HIGHEST_US, DIGITS)


class LatencyLog:
    """One worker's log. Callers that may pause must call ``flush_if_due`` in their loop.

    A worker that restarts under its name appends to its log, after a header of its own.
    """

    def __init__(self, history: Path, worker: str, clock: RunClock, *, every_s: float = 1.0) -> None:
        self._path = history / f"latency-{worker}.hlog"
        self._clock, self._every_ns = clock, round(every_s * _NS_PER_S)
        self._interval: dict[str, HdrHistogram] = {}
        self._from_ns = clock.now_ns()
        # The last line of an existing log may have been cut off.
        self._append(("\n" if self._path.exists() else "") + _header(clock.epoch_unix_ns))

    def record(self, tag: str, latency_ns: int, count: int) -> None:
        """Add ``count`` operations of this latency."""
        histogram = self._interval.get(tag)
        if histogram is None:
            histogram = self._interval[tag] = empty_histogram()
        latency_us = min(max(latency_ns // _NS_PER_US, 0), HIGHEST_US)
        if not histogram.record_value(latency_us, count):
            # The library silently drops what it cannot count.
            raise ValueError(f"a latency of {latency_us:,} us cannot be counted in a histogram")

    def flush_if_due(self) -> None:
        """Write the interval once it is over, so that a kill loses at most one."""
        if self._clock.now_ns() - self._from_ns >= self._every_ns:
            self._end_interval()

    def close(self) -> None:
        """Write the current interval."""
        self._end_interval()

    def _end_interval(self) -> None:
        now_ns = self._clock.now_ns()
        begun_s, length_s = self._from_ns / _NS_PER_S, (now_ns - self._from_ns) / _NS_PER_S
        lines = [
            f"Tag={tag},{begun_s:.3f},{length_s:.3f},{histogram.get_max_value() / _US_PER_MS:.3f},"
            f"{histogram.encode().decode()}\n"
            for tag, histogram in self._interval.items()
        ]
        self._append("".join(lines))
        self._interval, self._from_ns = {}, now_ns

    def _append(self, text: str) -> None:
        with self._path.open("a", encoding="ascii") as file:
            file.write(text)


def _header(epoch_unix_ns: int) -> str:
    """Return the lines before the first interval."""
    text = io.StringIO()
    epoch = datetime.fromtimestamp(epoch_unix_ns / _NS_PER_S, tz=UTC)
    head = HistogramLogWriter(text)
    head.output_log_format_version()
    head.output_comment("[Latencies in microseconds; Interval_Max in milliseconds]")
    head.output_comment(f"[StartTime: {epoch.timestamp():.3f} (seconds since epoch), {epoch.isoformat()}]")
    head.output_base_time(epoch.timestamp() * 1000)
    head.output_legend()
    return text.getvalue()
