"""One day of Bronze as a file: the flights of a plan as often as it takes, each time as other events."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Final

import pyarrow.parquet as pq

from harness.base.database import database_in_memory

DAY: Final = date(2013, 1, 1)
_PARTITIONS: Final = 6
_DAY_MS: Final = 86_400_000
_CHUNK_ROWS: Final = 100_000
# A plan's closing events are no flights. Each repetition's number stands in the ids of its events.
_ROWS: Final = """
WITH planned AS (
    SELECT row_number() OVER (ORDER BY seq) - 1 AS place, *
    FROM read_parquet($plan) WHERE kind <> 'closing'
), size AS (SELECT count(*) AS events FROM planned),
flights AS (
    SELECT place + repetition * size.events AS number, repetition, planned.*
    FROM planned, size, range($events) AS repetitions(repetition)
    WHERE repetition <= $events // size.events AND place + repetition * size.events < $events
)
SELECT $day::DATE AS event_date, 'kafka' AS source, 'events' AS source_name,
       (number % $partitions)::INTEGER AS source_partition, number // $partitions AS source_position,
       coalesce(entity_id, place::VARCHAR) AS key,
       CASE kind WHEN 'malformed' THEN payload
            ELSE encode(replace(decode(payload), '"event_id":"', '"event_id":"' || repetition || '-'))
       END AS value,
       make_timestamptz($day_us + event_offset_ms % $day_ms * 1000) AS event_time
FROM flights ORDER BY number
"""


def write_day(plan: Path, file: Path, *, events: int) -> None:
    """Write so many rows of Bronze, with the columns of pipeline/days/layers/bronze.py."""
    values = {
        "plan": str(plan),
        "events": events,
        "partitions": _PARTITIONS,
        "day": DAY,
        "day_ms": _DAY_MS,
        "day_us": round(datetime.combine(DAY, time(), UTC).timestamp()) * 1_000_000,
    }
    with database_in_memory() as database:
        rows = database.sql(_ROWS, params=values).to_arrow_reader(_CHUNK_ROWS)
        with pq.ParquetWriter(file, rows.schema) as writer:
            for batch in rows:
                writer.write_batch(batch)
