"""Reads every worker's latency log of a run and adds them up. Logs are somebody's files: damage is told.

A histogram is decoded only when it is one of ours in shape and size, so that a log can neither fill the
memory nor have counters written where there are none.
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
"""Of a histogram, inflated: 24,576 counters of up to nine bytes, and its header."""
_TAGS_MAX: Final = 64
_TOLD_MAX: Final = 3
"""So many damaged lines of a log are told one by one."""
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
    """The latencies of a whole run, of all its workers together."""

    histograms: Mapping[str, HdrHistogram]
    """By tag, in microseconds: see harness/history/latency_log.py."""
    problems: tuple[str, ...] = ()
    """What could not be read, and why."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of operations that any worker recorded."""
        return tuple(sorted({tag.partition(".")[0] for tag in self.histograms}))

    def count(self, kind: str, part: str) -> int:
        """How many operations a tag holds."""
        histogram = self.histograms.get(f"{kind}.{part}")
        return int(histogram.get_total_count()) if histogram else 0


def read_latencies(history: Path) -> Latencies:
    """Everything in a history's latency logs, added up; what cannot be read is left out and told."""
    merged: dict[str, HdrHistogram] = {}
    problems: list[str] = []
    for path in sorted(history.glob("latency-*.hlog")):
        wrong = ["a link"] if path.is_symlink() else list(_add(path, merged))
        problems += [f"{path.name}: {what}" for what in wrong[:_TOLD_MAX]]
        if len(wrong) > _TOLD_MAX:
            problems.append(f"{path.name}: {len(wrong) - _TOLD_MAX:,} more lines are damaged")
    return Latencies(histograms=merged, problems=tuple(problems))


def _add(path: Path, merged: dict[str, HdrHistogram]) -> Iterator[str]:
    """Add a log's intervals; what is wrong with each that is damaged."""
    try:
        with path.open(encoding="ascii", errors="replace", newline="\n") as file:
            for number, line in enumerate(iter(lambda: file.readline(_LINE_CHARACTERS_MAX), ""), start=1):
                if line[0] not in '#"\n' and (why := _add_line(line, merged)):
                    yield f"line {number}: {why}"
    except OSError as error:
        yield str(error)


def _add_line(line: str, merged: dict[str, HdrHistogram]) -> str:
    """Why the line is no interval; "" for one that was added."""
    match = _LINE.fullmatch(line)
    if match is None:
        return "no interval of a histogram log, or one that was cut off"
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
    """The histogram of an interval. Raises one of ``_DAMAGED`` for what is none of ours."""
    compressed = base64.b64decode(encoded, validate=True)[ext_header_size:]
    inflated = zlib.decompressobj().decompress(compressed, _BYTES_MAX)
    if not header_size <= len(inflated) < _BYTES_MAX:
        raise ValueError(f"it is {len(inflated):,} bytes long")
    header = PayloadHeader.from_buffer_copy(inflated)
    shape = (header.lowest_trackable_value, header.highest_trackable_value, header.significant_figures)
    if shape != (LOWEST_US, HIGHEST_US, DIGITS) or header.payload_len != len(inflated) - header_size:
        raise ValueError("it has another range or length")
    return HdrHistogram.decode(encoded)
