"""Reads Delta tables by delta-rs and DuckDB, without Spark: another implementation tells what it wrote."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import duckdb
import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from harness.base.database import database_in_memory
from harness.base.errors import PlatformError
from pipeline.lake.delta_rs import message_of

_CHUNK_ROWS: Final = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Lake:
    """A folder, or a bucket with what its client needs to be told."""

    root: str
    """``/folder`` or ``s3://lake``, without a slash at its end."""
    storage_options: Mapping[str, str] = field(default_factory=dict, repr=False)
    """As delta-rs wants them; they hold credentials."""

    def query(
        self, table: str, sql: str, *, columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """The answer of a query over ``lake``, which has these columns, or all, of the table as it stands.

        Rows stream by, so that memory holds the answer alone. A table that was never written gives nothing.
        Raises ``PlatformError`` for one that cannot be read, or that lacks a column.
        """
        uri, options = f"{self.root}/{table}", dict(self.storage_options)
        try:
            if not DeltaTable.is_deltatable(uri, options):
                return
            dataset = DeltaTable(uri, storage_options=options).to_pyarrow_dataset()
            with database_in_memory() as connection:
                connection.register(
                    "lake", dataset.scanner(columns=None if columns is None else list(columns))
                )
                yield from connection.sql(sql).to_arrow_reader(_CHUNK_ROWS)
        except (DeltaError, OSError, pa.ArrowException, duckdb.Error) as error:
            raise PlatformError(f"the lake's table {table} cannot be read: {message_of(error)}") from error
