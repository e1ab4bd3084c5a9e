"""Which days have records in the landing table, and since when: as the landing task recorded it.

The table's log tells it as well, but Delta forgets a version after a month. What was landed and not recorded,
as by a process that was killed, is read from the log, which is as young as the newest record.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from pipeline.days.landing import LandedVersion
from pipeline.days.task import Landings, TaskRecord


class LandRecords(Protocol):
    """What is asked of the records (pipeline/days/records.py)."""

    def last(self, task: str, day: None, /) -> TaskRecord | None:
        """The newest of a task."""
        ...


def recorded(records: LandRecords, task: str) -> Landings:
    """What the newest record of the landing task says; nothing without one."""
    record = records.last(task, None)
    return (record and record.result.landings) or Landings()


def following(known: Landings, newer: Iterable[LandedVersion]) -> Landings:
    """What is known, and the versions of the table that came behind it, the oldest first."""
    days, version = dict(known.days), known.version
    for landed in newer:
        days |= dict.fromkeys(landed.days, landed.version)
        version = landed.version
    return Landings(version=version, days=days)


def history(landings: Landings) -> tuple[LandedVersion, ...]:
    """Of each day, the newest version that has new records of it."""
    return tuple(
        LandedVersion(version=version, days=frozenset({day})) for day, version in landings.days.items()
    )
