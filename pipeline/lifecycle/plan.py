"""Decides which tier objects belong to and what to move: pure, from a listing and a moment.

Delta tables are moved by whole days. A table's log lists its files, so moving a file behind its back breaks
every reader; and days are the unit that is deleted, recomputed and requested. A day therefore leaves in a
commit of the table, once its files are copied to the archive (pipeline/lifecycle/archive.py), and comes
back as a table of its own (pipeline/lifecycle/restore.py).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from pipeline.lifecycle.policy import Covered, Policy, Tier

_DAY: Final = re.compile(r"(?:event_date=)?([0-9]{4}-[0-9]{2}-[0-9]{2})")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class StoredObject:
    """A listed object. For a Delta table, only files that its log lists are allowed."""

    key: str
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One piece that goes into the archive."""

    name: str
    """``silver/events/2013-01-01`` for a table's day; the key for an object."""
    day: date
    table: str | None
    """``silver/events``; None for an object that is moved individually."""
    objects: tuple[StoredObject, ...]


def covered_day(policy: Policy, key: str) -> tuple[Covered, date] | None:
    """Return the rule that covers an object, and its day; None for an object that is never moved.

    An object without a day in its key, such as a table's log, is never moved.
    """
    covered = next((c for c in policy.covers if key.startswith(c.prefix)), None)
    folders = key.removeprefix(covered.prefix).split("/")[:-1] if covered else []
    days = (_date(match[1]) for folder in folders if (match := _DAY.fullmatch(folder)))
    day = next((day for day in days if day is not None), None)
    return (covered, day) if covered and day else None


def name_of(covered: Covered, day: date, key: str) -> str:
    """Return the name of the piece that an object belongs to."""
    return f"{covered.prefix}{day}" if covered.moved == "day" else key


def tier_of(policy: Policy, day: date, now: datetime) -> Tier:
    """Return the tier of a day's data, by the age of the youngest event it may contain."""
    age = now - datetime.combine(day, time.min, UTC) - timedelta(days=1)
    if age < timedelta(days=policy.tiers.hot.under_days):
        return "hot"
    return "warm" if age < timedelta(days=policy.tiers.warm.under_days) else "cold"


def plan(policy: Policy, objects: Iterable[StoredObject], now: datetime) -> tuple[Move, ...]:
    """Return what to archive, oldest first, independent of the listing's order."""
    pieces: dict[tuple[date, str, str | None], set[StoredObject]] = defaultdict(set)
    for stored in objects:
        found = covered_day(policy, stored.key)
        if found is None or tier_of(policy, found[1], now) != "cold":
            continue
        covered, day = found
        table = covered.prefix.removesuffix("/") if covered.moved == "day" else None
        pieces[day, name_of(covered, day, stored.key), table].add(stored)
    return tuple(
        Move(name=name, day=day, table=table, objects=tuple(sorted(members)))
        for (day, name, table), members in sorted(pieces.items(), key=lambda piece: piece[0][:2])
    )


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
