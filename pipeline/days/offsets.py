"""Which records a commit of landing holds: a range of offsets of each partition. No I/O."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from pipeline.errors import RecordsGone

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
    """What one commit landed. It stands in the table's own commit, so that both are there or neither is."""

    number: int
    """Counts the commits from 1."""
    topic: str
    ranges: tuple[OffsetRange, ...]
    """One of every partition that the topic had, empty ones too: the next commit begins where they end."""

    def dumps(self) -> str:
        """As the table's commit bears it."""
        ranges = [[r.partition, r.start, r.end] for r in self.ranges]
        return json.dumps({_KEY: {"number": self.number, "topic": self.topic, "ranges": ranges}})

    @staticmethod
    def loads(text: str | None) -> LandingCommit | None:
        """Read what ``dumps`` wrote; None for what else a table's commit may bear, such as nothing."""
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
    """What a partition has: from ``earliest`` up to but not including ``latest``."""

    earliest: int
    latest: int
    until: int | None = None
    """The first offset that is not wanted yet; None when all are."""


def next_commit(
    last: LandingCommit | None, topic: str, available: Mapping[int, Available], *, offsets: Offsets
) -> LandingCommit | None:
    """What is new since the last commit; None when nothing is.

    The first commit begins where the topic does. ``offsets="ignored"`` makes every commit begin there, so
    that what landed before lands again. Raises RecordsGone, with every partition that lacks records.
    """
    begun = {} if last is None else {r.partition: r.end for r in last.ranges}
    wanted = {p: begun.get(p, there.earliest if last is None else 0) for p, there in available.items()}
    if problems := tuple(_problems(topic, begun, wanted, available)):
        raise RecordsGone(problems)
    if offsets == "ignored":
        wanted = {partition: there.earliest for partition, there in available.items()}
    ranges = tuple(
        OffsetRange(partition=partition, start=wanted[partition], end=_end(wanted[partition], there))
        for partition, there in sorted(available.items())
    )
    if all(r.start == r.end for r in ranges):
        return None
    return LandingCommit(number=1 if last is None else last.number + 1, topic=topic, ranges=ranges)


def _end(start: int, there: Available) -> int:
    end = there.latest if there.until is None else min(there.until, there.latest)
    # What was landed before the moment was asked for may lie behind it.
    return max(start, end)


def _problems(
    topic: str, begun: Mapping[int, int], wanted: Mapping[int, int], available: Mapping[int, Available]
) -> Iterator[str]:
    for partition in sorted(begun.keys() - available.keys()):
        yield f"{topic}-{partition}: wanted from offset {begun[partition]}, and there is no such partition"
    for partition, start in sorted(wanted.items()):
        there = available[partition]
        if start < there.earliest:
            yield f"{topic}-{partition}: wanted from offset {start}, the earliest is {there.earliest}"
        elif start > there.latest:
            yield f"{topic}-{partition}: wanted from offset {start}, the partition ends at {there.latest}"
