"""Computes which records a landing commit holds: one range of offsets per partition. No I/O."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from pipeline.base.errors import RecordsGone

Offsets = Literal["from_commit", "ignored"]
_KEY: Final = "landing"


@dataclass(frozen=True, slots=True, kw_only=True)
class OffsetRange:
    """The records of a partition from ``start`` up to but not including ``end``."""

    partition: int
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LandingCommit:
    """What one commit landed. It is stored in the table's own commit, so both exist or neither does."""

    number: int
    """Counts landing commits from 1."""
    topic: str
    ranges: tuple[OffsetRange, ...]
    """One range per partition of the topic, including empty ones: the next commit starts where they end."""

    def dumps(self) -> str:
        """Return the JSON that is stored in the table's commit."""
        ranges = [[r.partition, r.start, r.end] for r in self.ranges]
        return json.dumps({_KEY: {"number": self.number, "topic": self.topic, "ranges": ranges}})

    @staticmethod
    def loads(text: str | None) -> LandingCommit | None:
        """Read what ``dumps`` wrote; None for any other metadata of a table's commit, or none."""
        try:
            raw = json.loads(text or "null")
        except ValueError:
            return None
        if not isinstance(raw, dict) or _KEY not in raw:
            return None
        ranges = tuple(OffsetRange(partition=p, start=s, end=e) for p, s, e in raw[_KEY]["ranges"])
        return LandingCommit(number=raw[_KEY]["number"], topic=raw[_KEY]["topic"], ranges=ranges)


@dataclass(frozen=True, slots=True, kw_only=True)
class Available:
    """The offsets of a partition, from ``earliest`` up to but not including ``latest``."""

    earliest: int
    latest: int
    until: int | None = None
    """The first offset that is not to be landed yet; None to land all."""


def next_commit(
    last: LandingCommit | None, topic: str, available: Mapping[int, Available], *, offsets: Offsets
) -> LandingCommit | None:
    """Return what is new since the last commit; None if nothing is.

    The first commit starts at the beginning of the topic. With ``offsets="ignored"`` every commit starts
    there, so earlier records land again. Raises RecordsGone with every partition that lacks records.
    """
    begun = {} if last is None else {r.partition: r.end for r in last.ranges}
    starts = {p: begun.get(p, there.earliest if last is None else 0) for p, there in available.items()}
    if problems := tuple(_problems(topic, begun, starts, available)):
        raise RecordsGone(problems)
    if offsets == "ignored":
        starts = {partition: there.earliest for partition, there in available.items()}
    ranges = tuple(
        OffsetRange(partition=partition, start=starts[partition], end=_end(starts[partition], there))
        for partition, there in sorted(available.items())
    )
    if all(r.start == r.end for r in ranges):
        return None
    return LandingCommit(number=1 if last is None else last.number + 1, topic=topic, ranges=ranges)


def _end(start: int, there: Available) -> int:
    end = there.latest if there.until is None else min(there.until, there.latest)
    # An earlier landing may already have gone past this moment.
    return max(start, end)


def _problems(
    topic: str, begun: Mapping[int, int], starts: Mapping[int, int], available: Mapping[int, Available]
) -> Iterator[str]:
    for partition in sorted(begun.keys() - available.keys()):
        yield f"{topic}-{partition}: wanted from offset {begun[partition]}, and there is no such partition"
    for partition, start in sorted(starts.items()):
        there = available[partition]
        if start < there.earliest:
            yield f"{topic}-{partition}: wanted from offset {start}, the earliest is {there.earliest}"
        elif start > there.latest:
            yield f"{topic}-{partition}: wanted from offset {start}, the partition ends at {there.latest}"
