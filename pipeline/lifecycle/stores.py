"""What the life cycle works on: the object store, the days of its Delta tables, and how a table is held."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pipeline.lifecycle.plan import StoredObject
    from pipeline.lifecycle.policy import Policy
    from pipeline.lifecycle.table_day import TableDay


class Objects(Protocol):
    """What is asked of the object store (pipeline/lake/objects.py). Raises ObjectStoreFailed."""

    def get(self, key: str) -> bytes:
        """An object's bytes. Raises NoSuchObject."""
        ...

    def put_if_absent(self, key: str, body: bytes) -> bool:
        """Write a new object; False when there is one."""
        ...

    def copy(self, key: str, to_key: str) -> None:
        """Copy an object, in place of the one that may be there. Raises NoSuchObject."""
        ...

    def list(self, prefix: str) -> Iterable[str]:
        """The keys that begin so, in order."""
        ...

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is no error."""
        ...


class DayTables(Protocol):
    """The days of Delta tables (pipeline/lifecycle/delta_days.py). Raises TableUnreadable."""

    def live(self, table: str) -> tuple[StoredObject, ...]:
        """The files that the table's log lists; none for a table that was never written."""
        ...

    def describe(self, table: str, day: date) -> TableDay:
        """A day as it is now."""
        ...

    def drop(self, day: date, expected: TableDay) -> None:
        """Delete a day by one commit. Raises CommitConflict when it has other files than expected."""
        ...

    def publish(self, at: str, day: TableDay) -> None:
        """Make a table of a day whose files lie below ``at``; one that is there is left alone."""
        ...


class Held(Protocol):
    """A table that nobody else writes."""

    def require(self) -> None:
        """To be called before a commit. Raises LeaseLost."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """Everything that the life cycle touches."""

    policy: Policy
    objects: Objects
    tables: DayTables
    hold: Callable[[str], AbstractContextManager[Held]]
    """Keeps other writers from a table while it is open (pipeline/lake/lease.py)."""
