"""The tables that the lake adds to a history: what its own tables hold, and how its tasks ended.

The lake's content is recorded by group, not by row, so that millions of events cost kilobytes. A group has
its number of rows and an order-independent checksum of them (harness/history/checksum.py). Rows are spread
over buckets by their digests, so the number of differing buckets indicates how many rows differ.

Days are UTC dates of event time. ``place`` is ``table``, which readers see, or ``quarantine``, which holds a
layer's day whose gate failed.
"""

from __future__ import annotations

import pyarrow as pa

_NAME = pa.dictionary(pa.int16(), pa.string())
_WORD = pa.dictionary(pa.int8(), pa.string())

PARTNER_ROWS = pa.schema(
    [
        # Every row of the partner files that are valid as files, and what the lake must do with it.
        ("event_date", pa.date32()),
        ("source_name", _NAME),  # the object's key
        ("source_position", pa.int64()),  # of the row in its file, from 0
        ("event_time_ms", pa.int64()),  # midnight of the folder's date where the row's own is unreadable
        ("event_id", pa.string()),  # this and the following may be null where there is a reason
        ("event_type", _NAME),
        ("entity_id", pa.string()),
        ("category", _NAME),
        ("reference_id", pa.string()),
        ("value", pa.float64()),
        ("quantity", pa.int64()),
        ("attributes", pa.string()),  # JSON object of strings, or null
        ("reason", _NAME),  # why the row must be rejected; null where it keeps the contract
    ]
)

REFERENCE_ROWS = pa.schema(
    [
        # What the reference tables must hold: the snapshots that were dropped before the first step.
        ("table", _WORD),  # categories | assets
        ("key", pa.string()),  # by which events refer to it
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
        ("hour_ms", pa.int64()),  # start of the hour
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
        # One run of a task (pipeline/days/tasks/task.py).
        ("task", _WORD),  # land, or a layer: bronze | silver | gold
        ("event_date", pa.date32()),  # null for a task that covers no single day
        ("number", pa.int32()),  # of this run of the task for the day, from 1
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
        # One rule of the gate behind a layer, for each run of the layer's task.
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
        # What a day held before and after a rerun without new input.
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
        # A query that needs only part of a table, and what the engine read for it.
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
