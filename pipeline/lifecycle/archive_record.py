"""The record of an archived piece: everything needed to find, verify and restore it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.base.errors import ArchiveDamaged
from pipeline.lifecycle.plan import covered_day
from pipeline.lifecycle.policy import Policy
from pipeline.lifecycle.stores import Objects
from pipeline.lifecycle.table_day import TableDay

_DATA: Final = "data/"
_RECORDS: Final = "records/"


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class ArchivedObject(_Value):
    """One object of a piece."""

    key: str
    """The key it had before."""
    bytes: int
    sha256: str


class ArchiveRecord(_Value):
    """A piece of the archive. Its objects keep their keys, below its ``id``."""

    id: str
    """A digest of its keys and contents: archiving the same piece again gives the same id."""
    name: str
    day: date
    archived_at: datetime
    objects: tuple[ArchivedObject, ...]
    table_day: TableDay | None = None

    def cold_key(self, policy: Policy, key: str) -> str:
        """Return an object's key in the archive."""
        return f"{policy.tiers.cold.prefix}{_DATA}{self.id}/{key}"

    def restored_key(self, policy: Policy, key: str) -> str:
        """Return an object's key after it was restored."""
        return f"{policy.restore.prefix}{self.id}/{key}"

    def record_key(self, policy: Policy) -> str:
        """Return the key of the record itself."""
        return f"{_folder(policy, self.name)}{self.id}.json"


def data_prefix(policy: Policy) -> str:
    """Return the prefix of archived data. Records lie elsewhere, as they must be readable at once."""
    return f"{policy.tiers.cold.prefix}{_DATA}"


def records_of(policy: Policy, objects: Objects, name: str) -> tuple[ArchiveRecord, ...]:
    """Return the pieces with this name, oldest first: partners may drop a file of the same name again."""
    keys = objects.list(_folder(policy, name))
    # Pieces whose names start with this one and a slash lie deeper.
    own = (key for key in keys if "/" not in key.removeprefix(_folder(policy, name)))
    return tuple(sorted((_read(objects, key) for key in own), key=lambda r: (r.archived_at, r.id)))


def archived_days(policy: Policy, objects: Objects) -> frozenset[date]:
    """Return the days with any archived data, from the names of the pieces alone."""
    return frozenset(day for day, _ in _pieces(policy, objects))


def archived_names(policy: Policy, objects: Objects, day: date) -> tuple[str, ...]:
    """Return the names of a day's pieces, in order."""
    return tuple(sorted({name for of, name in _pieces(policy, objects) if of == day}))


def _pieces(policy: Policy, objects: Objects) -> Iterator[tuple[date, str]]:
    """Yield day and name of every record, from its key."""
    records = f"{policy.tiers.cold.prefix}{_RECORDS}"
    for key in objects.list(records):
        own = key.removeprefix(records)
        if found := covered_day(policy, own):
            yield found[1], own.rpartition("/")[0]


def _folder(policy: Policy, name: str) -> str:
    return f"{policy.tiers.cold.prefix}{_RECORDS}{name}/"


def _read(objects: Objects, key: str) -> ArchiveRecord:
    try:
        return ArchiveRecord.model_validate_json(objects.get(key))
    except ValidationError as error:
        raise ArchiveDamaged(f"{key} is no record of an archived piece: {error}") from error
