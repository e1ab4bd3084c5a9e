"""What every task works with: a session, the lake, and what was there before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from pipeline.batch.records import Records
from pipeline.batch.reference import reference_table
from pipeline.batch.tables import DAY, REFERENCE_ASSETS, REFERENCE_CATEGORIES, Table, uri
from pipeline.catalogue.protocol import Catalogue
from pipeline.contract.derive import reference_contract
from pipeline.endpoints import Endpoints
from pipeline.lake.lease import lease
from pipeline.lake.objects import Objects
from pipeline.options import BatchOptions

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
    """One process of the batch layer."""

    spark: SparkSession
    endpoints: Endpoints
    objects: Objects
    catalogue: Catalogue
    records: Records
    options: BatchOptions
    holder: str
    """Who holds the tables' leases, for messages."""
    now: Callable[[], datetime]

    def uri(self, table: Table) -> str:
        """Where Spark finds a table."""
        return uri(self.endpoints.object_store, table)

    def read(self, table: Table, version: int) -> DataFrame:
        """A table as of a version: what is read is what is recorded, whatever is written meanwhile."""
        return self.spark.read.format("delta").option("versionAsOf", version).load(self.uri(table))

    def read_day(self, table: Table, version: int, day: date) -> DataFrame:
        """The rows of a day."""
        return self.read(table, version).where(f"{DAY} = DATE '{day}'")

    def reference(self, table: Table) -> DataFrame:
        """A reference table; an empty one when nothing was loaded yet."""
        return reference_table(self.spark, self.uri(table), REFERENCES[table])

    def promoted_version(self, task: str, table: Table, day: date) -> int | None:
        """The version by which a task last promoted the day of a table; None when it never did."""
        record = self.records.last_promoted(task, day)
        if record is None:
            return None
        return next((o.version for o in record.result.outputs if o.table == table.name), None)

    def trailing_rows(self, task: str, table: Table, day: date) -> Mapping[date, int]:
        """The rows of the table on each of the seven days before, where they were promoted."""
        found = {}
        for back in range(1, _TRAILING_DAYS + 1):
            before = day - timedelta(days=back)
            if (record := self.records.last_promoted(task, before)) is not None:
                found[before] = sum(o.rows for o in record.result.outputs if o.table == table.name)
        return found

    @contextmanager
    def writing(self, *tables: Table) -> Iterator[None]:
        """Be these tables' only writer. Raises TableHeld, and LeaseLost when that ended on the way."""
        with ExitStack() as held:
            for table in sorted(tables, key=lambda table: table.name):
                held.enter_context(lease(self.objects, table.name, holder=self.holder))
            yield
