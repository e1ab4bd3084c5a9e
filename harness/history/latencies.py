"""Reads and merges the latency logs of a run's workers. Logs are untrusted files: damage is reported.

A histogram is decoded only if it has the expected shape and size, so that a log can neither exhaust memory
nor cause writes outside the counters.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hdrh.codec import HdrCookieException, HdrLengthException, PayloadHeader, ext_header_size
from hdrh.codec import payload_header_size as header_size
from hdrh.histogram import HdrHistogram

from harness.history.latency_log import DIGITS, HIGHEST_US, LOWEST_US, empty_histogram

_LINE: Final = re.compile(r"Tag=([a-z_]{1,40}\.[a-z]{1,20}),[\d.]{1,20},[\d.]{1,20},[\d.]{1,20},([\w+/=]+)\n")
_LINE_CHARACTERS_MAX: Final = 512 * 1024
_BYTES_MAX: Final = 256 * 1024
"""Size of an inflated histogram: 24,576 counters of up to nine bytes, and its header."""
_TAGS_MAX: Final = 64
_REPORTED_MAX: Final = 3
"""Damaged lines of a log that are reported individually."""
_DAMAGED: Final = (
    ValueError,
    zlib.error,
    HdrCookieException,
    HdrLengthException,
    OverflowError,
    IndexError,
    MemoryError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Latencies:
    """The latencies of a run, over all its workers."""

    histograms: Mapping[str, HdrHistogram]
    """By tag, in microseconds: see harness/history/latency_log.py."""
    problems: tuple[str, ...] = ()
    """What could not be read, and why."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of recorded operations."""
        return tuple(sorted({tag.partition(".")[0] for tag in self.histograms}))

    def count(self, kind: str, part: str) -> int:
        """Return the number of operations under a tag."""
        histogram = self.histograms.get(f"{kind}.{part}")
        return int(histogram.get_total_count()) if histogram else 0


def read_latencies(history: Path) -> Latencies:
    """Merge a history's latency logs; what cannot be read is skipped and reported."""
    merged: dict[str, HdrHistogram] = {}
    problems: list[str] = []
    for path in sorted(history.glob("latency-*.hlog")):
        wrong = ["it is a symbolic link"] if path.is_symlink() else list(_add(path, merged))
        problems += [f"{path.name}: {what}" for what in wrong[:_REPORTED_MAX]]
        if len(wrong) > _REPORTED_MAX:
            problems.append(f"{path.name}: {len(wrong) - _REPORTED_MAX:,} more lines are damaged")
    return Latencies(histograms=merged, problems=tuple(problems))


def _add(path: Path, merged: dict[str, HdrHistogram]) -> Iterator[str]:
    """Add a log's intervals, and yield what is wrong with each damaged line."""
    try:
        with path.open(encoding="ascii", errors="replace", newline="\n") as file:
            for number, line in enumerate(iter(lambda: file.readline(_LINE_CHARACTERS_MAX), ""), start=1):
                if line[0] not in '#"\n' and (why := _add_line(line, merged)):
                    yield f"line {number}: {why}"
    except OSError as error:
        yield str(error)


def _add_line(line: str, merged: dict[str, HdrHistogram]) -> str:
    """Add a line's interval, and return why it cannot be read, or ""."""
    match = _LINE.fullmatch(line)
    if match is None:
        return "not an interval of a histogram log, or a truncated one"
    tag, encoded = match.groups()
    if tag not in merged and len(merged) >= _TAGS_MAX:
        return f"more than {_TAGS_MAX} tags"
    try:
        interval = _decoded(encoded)
    except _DAMAGED as error:
        return f"not a histogram: {error or type(error).__name__}"
    merged.setdefault(tag, empty_histogram()).add(interval)
    return ""


def _decoded(encoded: str) -> HdrHistogram:
    """Decode an interval's histogram. Raises one of ``_DAMAGED`` for any other shape."""
    compressed = base64.b64decode(encoded, validate=True)[ext_header_size:]
    inflated = zlib.decompressobj().decompress(compressed, _BYTES_MAX)
    if not header_size <= len(inflated) < _BYTES_MAX:
        raise ValueError(f"it is {len(inflated):,} bytes long")
    header = PayloadHeader.from_buffer_copy(inflated)
    shape = (header.lowest_trackable_value, header.highest_trackable_value, header.significant_figures)
    if shape != (LOWEST_US, HIGHEST_US, DIGITS) or header.payload_len != len(inflated) - header_size:
        raise ValueError("it has another range or length")
    return HdrHistogram.decode(encoded)
