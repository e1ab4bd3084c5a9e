"""What every task works with: a session, the lake, and what was there before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from pipeline.catalogue.protocol import Catalogue
from pipeline.contract.derive import reference_contract
from pipeline.days.records import Records
from pipeline.days.reference import reference_table
from pipeline.days.table_log import log_versions
from pipeline.days.tables import DAY, REFERENCE_ASSETS, REFERENCE_CATEGORIES, Table, uri
from pipeline.days.task import Output, TaskRecord
from pipeline.endpoints import Endpoints
from pipeline.lake.lease import Lease, lease
from pipeline.lake.objects import Objects
from pipeline.lifecycle.restored import require_there
from pipeline.lifecycle.stores import Stores
from pipeline.options import LakeOptions

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_TRAILING_DAYS: Final = 7
REFERENCES: Final = {
    REFERENCE_CATEGORIES: reference_contract("categories"),
    REFERENCE_ASSETS: reference_contract("assets"),
}
"""The contracts of the reference tables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One process of the lake."""

    spark: SparkSession
    endpoints: Endpoints
    objects: Objects
    catalogue: Catalogue
    records: Records
    stores: Stores
    """Of the life cycle."""
    options: LakeOptions
    holder: str
    """Who holds the tables' leases, for messages."""
    now: Callable[[], datetime]

    def uri(self, table: Table) -> str:
        """Where Spark finds a table."""
        return uri(self.endpoints.object_store, table)

    def has(self, table: Table) -> bool:
        """Whether anything was ever written into a table."""
        return bool(log_versions(self.spark, self.uri(table)))

    def read(self, table: Table, version: int) -> DataFrame:
        """A table as of a version: what is read is what is recorded, whatever is written meanwhile."""
        return self.spark.read.format("delta").option("versionAsOf", version).load(self.uri(table))

    def read_day(self, table: Table, version: int, day: date) -> DataFrame:
        """The rows of a day. Raises Archived."""
        self.require_there(table, day)
        return self.read(table, version).where(f"{DAY} = DATE '{day}'")

    def require_there(self, table: Table, day: date) -> None:
        """Raises Archived for a day that has left the table, where it reads as empty."""
        require_there(table.name, day, self.stores)

    @contextmanager
    def references(self) -> Iterator[Mapping[str, DataFrame]]:
        """The reference tables by name, read once and kept while the block runs; empty ones before a load."""
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
        """What a task wrote when it last promoted the day of a table; None when it never did."""
        record = self.records.last_promoted(task, day)
        if record is None:
            return None
        return next((output for output in record.result.outputs if output.table == table.name), None)

    def trailing(self, task: str, day: date) -> Mapping[date, TaskRecord]:
        """The records by which a task promoted each of the seven days before, where it did."""
        days = (day - timedelta(days=back) for back in range(1, _TRAILING_DAYS + 1))
        records = ((before, self.records.last_promoted(task, before)) for before in days)
        return {before: record for before, record in records if record is not None}

    @contextmanager
    def writing(self, *tables: Table) -> Iterator[Mapping[str, Lease]]:
        """Be these tables' only writer, and that of their quarantine, which nobody else writes.

        Gives each table's lease by the table's name, for commits to ask.
        Raises TableHeld, and LeaseLost when that ended on the way.
        """
        with ExitStack() as held:
            names = sorted(table.name for table in tables)
            yield {name: held.enter_context(lease(self.objects, name, holder=self.holder)) for name in names}
