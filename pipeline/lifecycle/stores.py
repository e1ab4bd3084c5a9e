"""What the life cycle works on: the object store, the days of Delta tables, and leases on tables."""

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
    """The operations needed of the object store (pipeline/lake/objects.py). They raise ObjectStoreFailed."""

    def get(self, key: str) -> bytes:
        """Return an object's bytes. Raises NoSuchObject."""
        ...

    def put_if_absent(self, key: str, body: bytes) -> bool:
        """Write an object unless the key exists; return whether it was written."""
        ...

    def copy(self, key: str, to_key: str) -> None:
        """Copy an object, replacing an existing one. Raises NoSuchObject."""
        ...

    def list(self, prefix: str) -> Iterable[str]:
        """Return the keys with this prefix, in order."""
        ...

    def delete(self, key: str) -> None:
        """Remove an object if it exists."""
        ...


class DayTables(Protocol):
    """The days of Delta tables (pipeline/lifecycle/delta_days.py). Methods raise TableUnreadable."""

    def live(self, table: str) -> tuple[StoredObject, ...]:
        """Return the files that the table's log lists; none for a table that was never written."""
        ...

    def describe(self, table: str, day: date) -> TableDay:
        """Return a day as it is now."""
        ...

    def drop(self, day: date, expected: TableDay) -> None:
        """Delete a day in one commit. Raises CommitConflict if its files are not the expected ones."""
        ...

    def publish(self, at: str, day: TableDay) -> None:
        """Create a table from a day's files under ``at``, unless it exists."""
        ...


class Held(Protocol):
    """A table that no other process writes."""

    def require(self) -> None:
        """Check the lease; call before a commit. Raises LeaseLost."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """Everything that the life cycle touches."""

    policy: Policy
    objects: Objects
    tables: DayTables
    hold: Callable[[str], AbstractContextManager[Held]]
    """Keeps other writers away from a table (pipeline/lake/lease.py)."""
