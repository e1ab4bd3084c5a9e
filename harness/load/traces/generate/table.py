"""Generated events in a database, as harness/load/traces/trace.py has those of a file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import duckdb
import pyarrow as pa

_COLUMNS: Final = (
    "time_ms BIGINT, event_id VARCHAR, event_type VARCHAR, entity_id VARCHAR, category VARCHAR,"
    " reference_id VARCHAR, value DOUBLE, quantity BIGINT, attributes VARCHAR"
)


def insert_events(database: duckdb.DuckDBPyConnection, chunks: Iterable[pa.RecordBatch]) -> None:
    """Make the table ``mapped``, an event a millisecond; the caller squeezes their times.

    Chunk by chunk: the database may spill what it cannot hold.
    """
    database.execute(f"CREATE TABLE mapped ({_COLUMNS})")
    for chunk in chunks:
        database.register("chunk", chunk)
        database.execute("INSERT INTO mapped BY NAME SELECT number AS time_ms, * EXCLUDE number FROM chunk")
        database.unregister("chunk")
