"""Reads Delta tables with delta-rs and DuckDB, independently of Spark, which wrote them."""

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
from pipeline.base.endpoints import ObjectStoreEndpoint
from pipeline.lake.delta_rs import message_of, storage_options, table_root

_CHUNK_ROWS: Final = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Lake:
    """A lake in a folder, or in a bucket with its client's options."""

    root: str
    """``/folder`` or ``s3://lake``, without a trailing slash."""
    storage_options: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The options for delta-rs; they hold credentials."""

    def query(
        self, table: str, sql: str, *, columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Run a query over ``lake``: the table's current version with these columns, or all.

        Rows are streamed, so that memory holds only the answer. A table never written yields nothing. Raises
        ``PlatformError`` for a table that cannot be read or lacks a column.
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


def lake_of(endpoint: ObjectStoreEndpoint) -> Lake:
    """The lake in an object store's bucket."""
    return Lake(root=table_root(endpoint), storage_options=storage_options(endpoint))
