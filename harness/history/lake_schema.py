"""The tables that the lake adds to a history: what its tables hold, and how its tasks ended.

What lies in the lake is recorded by group, not by row, so that millions of events cost kilobytes. A group
bears the number of its rows and a checksum of them that does not depend on their order
(harness/history/checksum.py); its rows are spread over buckets by their digests, so that the number of
buckets that differ tells how many rows do.

Days are UTC dates of event time. ``place`` is ``table``, where readers look, or ``quarantine``, where a
layer's day is kept when its gate failed.
"""

from __future__ import annotations

import pyarrow as pa

_NAME = pa.dictionary(pa.int16(), pa.string())
_WORD = pa.dictionary(pa.int8(), pa.string())

PARTNER_ROWS = pa.schema(
    [
        # Every row of the partner files that are good as files: what the lake is to make of each.
        ("event_date", pa.date32()),
        ("source_name", _NAME),  # the object's key
        ("source_position", pa.int64()),  # of the row in its file, from 0
        ("event_time_ms", pa.int64()),  # midnight of the folder's date when the row's own cannot be read
        ("event_id", pa.string()),  # this and what follows may be null where there is a reason
        ("event_type", _NAME),
        ("entity_id", pa.string()),
        ("category", _NAME),
        ("reference_id", pa.string()),
        ("value", pa.float64()),
        ("quantity", pa.int64()),
        ("attributes", pa.string()),  # JSON object of strings, or null
        ("reason", _NAME),  # why the row is to be rejected; null for one that keeps the contract
    ]
)

REFERENCE_ROWS = pa.schema(
    [
        # What the reference tables are to hold: the snapshots that were dropped before the first step.
        ("table", _WORD),  # categories | assets
        ("key", pa.string()),  # what events refer to it by
        ("name", pa.string()),  # of a category
    ]
)

LAKE_LANDING = pa.schema([("event_date", pa.date32()), ("partition", pa.int32()), ("rows", pa.int64())])

LAKE_BRONZE = pa.schema(
    [
        ("place", _WORD),
        ("event_date", pa.date32()),
        ("source", _WORD),  # kafka | partner
        ("bucket", pa.int16()),
        ("rows", pa.int64()),
        ("checksum", pa.int64()),  # of BRONZE_FIELDS
    ]
)

LAKE_SILVER = pa.schema(
    [
        ("place", _WORD),
        ("event_date", pa.date32()),
        ("event_type", _NAME),
        ("source", _WORD),
        ("bucket", pa.int16()),
        ("rows", pa.int64()),
        ("checksum", pa.int64()),  # of SILVER_FIELDS
    ]
)

LAKE_REJECTS = pa.schema(
    [
        ("place", _WORD),
        ("event_date", pa.date32()),
        ("reason", _NAME),
        ("source", _WORD),
        ("rows", pa.int64()),
    ]
)

_MEASURES = [
    ("events", pa.int64()),
    ("measured", pa.int64()),  # events whose value is not null
    ("value_sum", pa.float64()),  # null when measured is 0
    ("value_min", pa.float64()),
    ("value_max", pa.float64()),
    ("quantity_sum", pa.int64()),  # null when no event has a quantity
]

LAKE_GOLD_DAILY = pa.schema(
    [("place", _WORD), ("event_date", pa.date32()), ("category", _NAME), ("event_type", _NAME), *_MEASURES]
)
LAKE_GOLD_HOURLY = pa.schema(
    [
        ("place", _WORD),
        ("event_date", pa.date32()),
        ("hour_ms", pa.int64()),  # the hour's beginning
        ("category", _NAME),
        ("event_type", _NAME),
        *_MEASURES,
    ]
)
LAKE_GOLD_ENTITY_DAYS = pa.schema(
    [
        ("place", _WORD),
        ("event_date", pa.date32()),
        ("entity_id", pa.string()),
        ("events", pa.int64()),
        ("first_event_time_ms", pa.int64()),
        ("last_event_time_ms", pa.int64()),
        ("last_event_type", _NAME),
        ("last_value", pa.float64()),
    ]
)
LAKE_GOLD_ENTITIES = pa.schema(
    [
        ("entity_id", pa.string()),
        ("events", pa.int64()),
        ("first_event_time_ms", pa.int64()),
        ("last_event_time_ms", pa.int64()),
        ("last_event_type", _NAME),
    ]
)

LAKE_TASKS = pa.schema(
    [
        # One carrying out of a task (pipeline/days/tasks/task.py).
        ("task", _WORD),  # land, or a layer: bronze | silver | gold
        ("event_date", pa.date32()),  # null for a task that is not of one day
        ("number", pa.int32()),  # counts the times that the task was carried out for the day, from 1
        ("began_ns", pa.int64()),
        ("ended_ns", pa.int64()),
        ("cpu_s", pa.float64()),
        ("outcome", _WORD),  # promoted | quarantined | held_back
        ("rows_read", pa.int64()),
        ("rows_written", pa.int64()),
        ("rows_rejected", pa.int64()),
        ("files_written", pa.int64()),
        ("bytes_written", pa.int64()),
    ]
)
LAKE_GATES = pa.schema(
    [
        # A rule of the gate behind a layer, each time that the layer's task was carried out.
        ("layer", _WORD),
        ("event_date", pa.date32()),
        ("number", pa.int32()),  # the task's
        ("rule", _NAME),
        ("severity", _WORD),  # error | warning
        ("result", _WORD),  # passed | failed | not_evaluated
        ("observed", pa.string()),
        ("limit", pa.string()),
    ]
)
LAKE_CONTENTS = pa.schema(
    [
        # What a day held before and after it was carried out again with nothing new.
        ("step", pa.int16()),  # of the scenario's lake stage, from 1
        ("moment", _WORD),  # before | after
        ("table", _NAME),  # silver/events
        ("event_date", pa.date32()),
        ("rows", pa.int64()),
        ("checksum", pa.int64()),  # of all columns
    ]
)
LAKE_SCANS = pa.schema(
    [
        # A query that needs a part of a table alone, and what the engine read for it.
        ("at_ns", pa.int64()),
        ("query", _NAME),
        ("files_read", pa.int64()),
        ("files_all", pa.int64()),
        ("bytes_read", pa.int64()),
        ("bytes_all", pa.int64()),  # what a full scan reads
    ]
)

LAKE_TABLES: dict[str, pa.Schema] = {
    "partner_rows": PARTNER_ROWS,
    "reference_rows": REFERENCE_ROWS,
    "lake_landing": LAKE_LANDING,
    "lake_bronze": LAKE_BRONZE,
    "lake_silver": LAKE_SILVER,
    "lake_rejects": LAKE_REJECTS,
    "lake_gold_daily": LAKE_GOLD_DAILY,
    "lake_gold_hourly": LAKE_GOLD_HOURLY,
    "lake_gold_entity_days": LAKE_GOLD_ENTITY_DAYS,
    "lake_gold_entities": LAKE_GOLD_ENTITIES,
    "lake_tasks": LAKE_TASKS,
    "lake_gates": LAKE_GATES,
    "lake_contents": LAKE_CONTENTS,
    "lake_scans": LAKE_SCANS,
}
