"""Decides which days have to be run: new ones, and those that have received data since. No I/O.

What landed is taken from the records of the landing task, because Delta forgets a version after a month.
Versions that landed but were never recorded, such as those of a killed process, are added from the table's
log, which always reaches back far enough for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, Protocol

from pipeline.days.landing.land import LandedVersion
from pipeline.days.partners.listing import PREFIX, PartnerFile
from pipeline.days.tables.delta_tables import LANDING_EVENTS
from pipeline.days.tasks.task import Input, Landings, TaskRecord

NO_TABLE: Final = -1
"""The version of a table that does not exist yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BronzeInputs:
    """The inputs of one day's Bronze."""

    landing_version: int
    """The landing table's version; -1 without a table."""
    partner_files: frozenset[PartnerFile]
    """Includes refused files: dropped again with other content, such a file is read again."""

    def as_inputs(self) -> tuple[Input, ...]:
        """Return the inputs as a task record stores them."""
        landing = Input(name=LANDING_EVENTS.name, version=str(self.landing_version))
        files = (Input(name=file.key, version=file.etag) for file in sorted(self.partner_files))
        return (landing, *files)

    @staticmethod
    def from_inputs(inputs: Iterable[Input]) -> BronzeInputs:
        """Read what ``as_inputs`` returned."""
        versions = {read.name: read.version for read in inputs}
        return BronzeInputs(
            landing_version=int(versions.get(LANDING_EVENTS.name, NO_TABLE)),
            partner_files=frozenset(
                PartnerFile(key=key, etag=etag) for key, etag in versions.items() if key.startswith(PREFIX)
            ),
        )


def open_days(
    landing_history: Iterable[LandedVersion],
    day_records: Mapping[date, BronzeInputs],
    partner_files: Iterable[PartnerFile],
) -> frozenset[date]:
    """Return the open days, given what exists now and the inputs of each day's newest Bronze.

    A day is open if it has records or files and never ran; if a later version of the landing table added
    records to it; or if its files have changed since: more, fewer, or other content. ``landing_history`` must
    include every version after the oldest one in ``day_records``, and the versions of days that never ran.
    """
    newest: dict[date, int] = {}
    for landed in landing_history:
        for day in landed.days:
            newest[day] = max(newest.get(day, NO_TABLE), landed.version)
    files: dict[date, set[PartnerFile]] = {}
    for file in partner_files:
        files.setdefault(file.day, set()).add(file)
    nothing = BronzeInputs(landing_version=NO_TABLE, partner_files=frozenset())

    def is_open(day: date) -> bool:
        made_of = day_records.get(day, nothing)
        grown = newest.get(day, NO_TABLE) > made_of.landing_version
        return grown or files.get(day, set()) != made_of.partner_files

    return frozenset(filter(is_open, newest.keys() | files.keys() | day_records.keys()))


class LandRecords(Protocol):
    """The operation needed of the records (pipeline/days/tasks/task_records.py)."""

    def last(self, task: str, day: None, /) -> TaskRecord | None:
        """Return the newest record of a task."""
        ...


def recorded(records: LandRecords, task: str) -> Landings:
    """Return what the landing task last recorded; nothing if it never did."""
    record = records.last(task, None)
    return (record and record.result.landings) or Landings()


def following(known: Landings, newer: Iterable[LandedVersion]) -> Landings:
    """Return what is known, updated with later versions of the table, oldest first."""
    days, version = dict(known.days), known.version
    for landed in newer:
        days |= dict.fromkeys(landed.days, landed.version)
        version = landed.version
    return Landings(version=version, days=days)


def history(landings: Landings) -> tuple[LandedVersion, ...]:
    """Return, for each day, the newest version that added records to it."""
    return tuple(
        LandedVersion(version=version, days=frozenset({day})) for day, version in landings.days.items()
    )
