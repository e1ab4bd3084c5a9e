"""Checksums of days' contents, table by table, to detect whether rerunning the days changed anything."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

import pyarrow as pa

from harness.observe.readback.lake import Lake
from pipeline.days.tables.delta_tables import DAY, TABLES

_SCHEMA: Final = pa.schema(
    {"table": pa.string(), "event_date": pa.date32(), "rows": pa.int64(), "checksum": pa.int64()}
)
_WHOLE: Final = """
SELECT '{table}' AS "table", {day} AS event_date, count(*) AS rows,
       (sum(md5_number_lower(lake::VARCHAR)) % 9223372036854775807)::BIGINT AS checksum
FROM lake {where} GROUP BY ALL
"""
"""The checksum covers all columns of all rows, in any order."""


def contents(lake: Lake, days: Sequence[date]) -> pa.Table:
    """``table``, ``event_date``, ``rows`` and ``checksum`` of these days in every table of the layers.

    A table without days has one row, with no date. Raises PlatformError.
    """
    texts = ", ".join(f"DATE '{day}'" for day in days)
    batches: list[pa.RecordBatch] = []
    for table in TABLES:
        of_days = DAY in table.partition_columns
        sql = _WHOLE.format(
            table=table.name,
            day=DAY if of_days else "NULL::DATE",
            where=f"WHERE {DAY} IN ({texts})" if of_days else "",
        )
        batches += lake.query(table.name, sql)
    return pa.Table.from_batches([batch.cast(_SCHEMA) for batch in batches], _SCHEMA)
