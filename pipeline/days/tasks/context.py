"""What every task works with: a Spark session, the lake, and earlier results."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from pipeline.base.endpoints import Endpoints
from pipeline.base.options import LakeOptions
from pipeline.catalogue.catalogue import Catalogue
from pipeline.contract.derive import reference_contract
from pipeline.days.landing.reference import reference_table
from pipeline.days.tables.delta_log import log_versions
from pipeline.days.tables.delta_tables import DAY, REFERENCE_ASSETS, REFERENCE_CATEGORIES, Table, uri
from pipeline.days.tasks.task import Output, TaskRecord
from pipeline.days.tasks.task_records import Records
from pipeline.lake.lease import Lease, lease
from pipeline.lake.objects import Objects
from pipeline.lifecycle.restore import require_not_archived
from pipeline.lifecycle.stores import Stores

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_TRAILING_DAYS: Final = 7
REFERENCES: Final = {
    REFERENCE_CATEGORIES: reference_contract("categories"),
    REFERENCE_ASSETS: reference_contract("assets"),
}
"""The reference tables and their contracts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The resources of one lake process."""

    spark: SparkSession
    endpoints: Endpoints
    objects: Objects
    catalogue: Catalogue
    records: Records
    stores: Stores
    """The stores of the life cycle."""
    options: LakeOptions
    holder: str
    """This process as the holder of leases, for messages."""
    now: Callable[[], datetime]

    def uri(self, table: Table) -> str:
        """Return a table's URI for Spark."""
        return uri(self.endpoints.object_store, table)

    def has(self, table: Table) -> bool:
        """Return whether anything was ever written to a table."""
        return bool(log_versions(self.spark, self.uri(table)))

    def read(self, table: Table, version: int) -> DataFrame:
        """Read a table as of a version: what is read is what is recorded, whatever is written meanwhile."""
        return self.spark.read.format("delta").option("versionAsOf", version).load(self.uri(table))

    def read_day(self, table: Table, version: int, day: date) -> DataFrame:
        """Read the rows of a day. Raises Archived."""
        self.require_not_archived(table, day)
        return self.read(table, version).where(f"{DAY} = DATE '{day}'")

    def require_not_archived(self, table: Table, day: date) -> None:
        """Raise Archived for a day that has left the table, where it would read as empty."""
        require_not_archived(table.name, day, self.stores)

    @contextmanager
    def references(self) -> Iterator[Mapping[str, DataFrame]]:
        """Yield the reference tables by name, cached while the block runs; empty before the first load."""
        frames = {
            contract.name: reference_table(self.spark, self.uri(table), contract).persist()
            for table, contract in REFERENCES.items()
        }
        try:
            yield frames
        finally:
            for frame in frames.values():
                frame.unpersist()

    def promoted(self, task: str, table: Table, day: date) -> Output | None:
        """Return a task's output when it last promoted the day of a table; None if it never did."""
        record = self.records.last_promoted(task, day)
        if record is None:
            return None
        return next((output for output in record.result.outputs if output.table == table.name), None)

    def trailing(self, task: str, day: date) -> Mapping[date, TaskRecord]:
        """Return the records of the seven days before that a task has promoted, by day."""
        days = (day - timedelta(days=back) for back in range(1, _TRAILING_DAYS + 1))
        records = ((before, self.records.last_promoted(task, before)) for before in days)
        return {before: record for before, record in records if record is not None}

    @contextmanager
    def writing(self, *tables: Table) -> Iterator[Mapping[str, Lease]]:
        """Hold the write leases of these tables; each also covers the table's quarantine.

        Yields each lease by the table's name, for commits. Raises TableHeld, and LeaseLost if a lease was
        lost meanwhile.
        """
        with ExitStack() as held:
            names = sorted(table.name for table in tables)
            yield {name: held.enter_context(lease(self.objects, name, holder=self.holder)) for name in names}
