"""Which days have to be carried out: new ones, and those to which something came since. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from pipeline.days.landing import LandedVersion
from pipeline.days.partners.listing import PREFIX, PartnerFile
from pipeline.days.tables import LANDING_EVENTS
from pipeline.days.task import Input

NO_TABLE: Final = -1
"""The version of a table that is not there yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BronzeInputs:
    """What Bronze of a day was made of."""

    landing_version: int
    """Of the landing table; -1 when there was none."""
    partner_files: frozenset[PartnerFile]
    """Refused ones too: dropped again with other content, such a file is looked at again."""

    def as_inputs(self) -> tuple[Input, ...]:
        """As a task's record has them."""
        landing = Input(name=LANDING_EVENTS.name, version=str(self.landing_version))
        files = (Input(name=file.key, version=file.etag) for file in sorted(self.partner_files))
        return (landing, *files)

    @staticmethod
    def from_inputs(inputs: Iterable[Input]) -> BronzeInputs:
        """What ``as_inputs`` made."""
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
    """The days that are open, by what there is now and what each day's newest Bronze was made of.

    A day is open when it has records or files and was never carried out; when a later version of the landing
    table has records of it; and when its files are not those of then: more, fewer, or other content.
    ``landing_history`` must have every version after the oldest one of ``day_records``, and those of days
    that were never carried out.
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
