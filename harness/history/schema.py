"""The tables of a history: everything that is needed to judge a recorded run offline.

A history is a folder, ``reports/runs/<id>/history/``. Each table is a folder of Parquet parts, written about
once a second and renamed into place, so that a killed run loses at most a second. All ``*_ns`` are
nanoseconds since the run's epoch on the machine's monotonic clock, which its processes share; ``run.json``
also holds the epoch in wall-clock time. All ``*_ms`` of events are event time: milliseconds since 1970.

``seq`` numbers the events of a plan (see harness/load/plan/file.py) in sending order, so operations record
ranges of it instead of a row per event. For record batches (harness/load/send/record_batches/), ``seq``
numbers the events of the encoded trace and continues through its repetitions. For computed events
(harness/load/send/computed/), ``seq`` numbers each ``partition``'s events from 0 in sending order.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import pyarrow as pa

from harness.history.lake_schema import LAKE_TABLES

OPERATIONS = pa.schema(
    [
        # One row is one batch of events with the same outcome, or one read or write of a store.
        # produce | hot_read (the prober's) | hot_point_read, hot_range_read (the readers')
        ("kind", pa.dictionary(pa.int8(), pa.string())),
        ("worker", pa.dictionary(pa.int16(), pa.string())),  # "worker-0", "readers-0"
        ("first_seq", pa.int64()),  # inclusive; -1 for operations without events
        ("last_seq", pa.int64()),  # inclusive
        ("partition", pa.int32()),  # -1 when a batch spans partitions
        ("count", pa.int64()),  # events; 1 for a read, regardless of its rows
        ("bytes", pa.int64()),  # of the events; of a read's result, 0 if it was empty
        # When the first event of the batch was due by the profile; started_ns where the load has no schedule.
        ("intended_ns", pa.int64()),
        ("started_ns", pa.int64()),
        ("completed_ns", pa.int64()),
        ("outcome", pa.dictionary(pa.int8(), pa.string())),  # ok | fail | unknown
        ("error", pa.dictionary(pa.int16(), pa.string())),  # "" when ok
    ]
)

ENCODED = pa.schema(
    [
        # One row is one encoded record batch, which operations refer to: of an encoded trace (a copy of its
        # index), or of computed events (a part for each chunk, written before any of it is sent).
        ("position", pa.int64()),  # of the batch in the file of batches; null without a file
        ("size", pa.int32()),  # in bytes, header included
        ("partition", pa.int32()),
        ("first_event", pa.int64()),  # events before it in the trace; of a computed load, in its partition
        ("last_event_ms", pa.int64()),  # the newest event time in it
        ("count", pa.int32()),
        ("attributes", pa.int16()),
        ("base_timestamp_ms", pa.int64()),
        ("records_crc", pa.uint32()),
        ("records_power", pa.uint32()),
    ]
)

SAMPLES = pa.schema(
    [
        # One reading of a gauge or counter; see harness/observe/ for the metrics' names and units.
        ("at_ns", pa.int64()),
        ("metric", pa.dictionary(pa.int16(), pa.string())),
        ("label", pa.dictionary(pa.int16(), pa.string())),  # node, topic, or ""
        ("value", pa.float64()),
    ]
)

GENERATOR = pa.schema(
    [
        # Reported twice a second by each process of a load: its worst values since the last sample.
        ("at_ns", pa.int64()),
        ("worker", pa.dictionary(pa.int16(), pa.string())),
        ("late_ms", pa.float64()),  # by its own fault: its loop woke late, or due events waited for it
        ("blocked_ms", pa.float64()),  # due events waited for the client, which the platform delayed
        ("cpu_share", pa.float64()),  # CPU seconds per second, over all threads of the process
    ]
)

SOUGHT = pa.schema(
    [
        # What the prober looks for, written before it starts: rows that are not in ``seen`` were never seen.
        ("store", pa.dictionary(pa.int8(), pa.string())),  # hot_events | hot_windows
        ("key", pa.string()),  # entity_id, or the windows' key
        ("event_id", pa.string()),  # "" for windows: all of this kind and key are sought
        ("event_time_ms", pa.int64()),  # 0 for windows
        ("window_kind", pa.dictionary(pa.int8(), pa.string())),  # "" for events
        ("send_ns", pa.int64()),  # when the event was due; 0 for windows
    ]
)

SEEN = pa.schema(
    [
        # The first moment at which a row could be queried in the hot store.
        ("at_ns", pa.int64()),
        ("store", pa.dictionary(pa.int8(), pa.string())),  # hot_events | hot_windows
        ("key", pa.string()),  # entity_id, or the window's key
        ("event_id", pa.string()),  # "" for windows
        ("event_time_ms", pa.int64()),  # of the event, or the window's end
        ("window_kind", pa.dictionary(pa.int8(), pa.string())),  # "" for events
        ("window_start_ms", pa.int64()),  # 0 for events
    ]
)

# What was read back after the drain, from the first offset to the last, with read_committed.
READBACK_EVENTS = pa.schema(
    [
        # events | events_valid | events_late | events_dead_letter
        ("topic", pa.dictionary(pa.int8(), pa.string())),
        ("partition", pa.int32()),
        ("offset", pa.int64()),
        ("event_time_ms", pa.int64()),
        # The event's seq in the plan (of repetitions, the original's); -1 if the plan has no such event.
        ("seq", pa.int64()),
        # The seq of the event's first sending with exactly these bytes: a conflict has other bytes.
        # -1 if no sending had them: the record was altered.
        ("sent_as", pa.int64()),
        ("key_kept", pa.bool_()),  # whether the record's key is the event's
        # Dead letters only: the names of their headers in order, then the reason and the source that they
        # claim, which are null where the headers cannot be read.
        ("headers", pa.dictionary(pa.int32(), pa.string())),
        ("reason", pa.dictionary(pa.int32(), pa.string())),
        ("source_topic", pa.dictionary(pa.int32(), pa.string())),
        ("source_partition", pa.int32()),
        ("source_offset", pa.int64()),
    ]
)

# The source topic read back after a load of record batches, each identified by its content and time.
READBACK_RECORD_BATCHES = pa.schema(
    [
        ("partition", pa.int32()),
        ("offset", pa.int64()),  # of its first record
        ("count", pa.int32()),  # records
        ("base_timestamp_ms", pa.int64()),
        ("records_crc", pa.uint32()),  # CRC-32C of its records as compressed
    ]
)

_WINDOW_FIELDS = [
    ("window_kind", pa.dictionary(pa.int8(), pa.string())),  # tumbling | hopping | session
    ("key", pa.string()),  # category for tumbling and hopping, entity_id for session
    ("window_start_ms", pa.int64()),
    ("window_end_ms", pa.int64()),
    ("events", pa.int64()),
    ("measured", pa.int64()),  # events whose value is not null
    ("value_sum", pa.float64()),  # null when measured is 0
    ("value_min", pa.float64()),
    ("value_max", pa.float64()),
]

UNREADABLE = "unreadable"
"""The kind of a record that is not a window result: it has no bounds, and its key says why."""

READBACK_WINDOWS = pa.schema([("partition", pa.int32()), ("offset", pa.int64()), *_WINDOW_FIELDS])
READBACK_HOT_WINDOWS = pa.schema(_WINDOW_FIELDS)

READBACK_HOT_EVENTS = pa.schema(
    [
        ("event_id", pa.string()),
        ("event_time_ms", pa.int64()),
        ("event_type", pa.string()),
        ("entity_id", pa.string()),
        ("category", pa.string()),
        ("reference_id", pa.string()),
        ("value", pa.float64()),
        ("quantity", pa.int64()),
        ("attributes", pa.string()),  # JSON object with sorted keys, or null
    ]
)

TABLES: dict[str, pa.Schema] = {
    "operations": OPERATIONS,
    "encoded": ENCODED,
    "samples": SAMPLES,
    "generator": GENERATOR,
    "sought": SOUGHT,
    "seen": SEEN,
    "readback_events": READBACK_EVENTS,
    "readback_record_batches": READBACK_RECORD_BATCHES,
    "readback_windows": READBACK_WINDOWS,
    "readback_hot_events": READBACK_HOT_EVENTS,
    "readback_hot_windows": READBACK_HOT_WINDOWS,
    **LAKE_TABLES,
}
"""Further files, appended line by line and flushed:

- ``phases.jsonl``: ``{"at_ns", "phase", "at_unix_ns"}`` where phase is one of those in
  harness/history/course.py, and at_unix_ns the same moment by the wall clock;
- ``faults.jsonl``: ``{"at_ns", "fault", "kind", "action", "nodes", "ok", "detail"}`` where fault numbers the
  faults of the schedule from 0 and action is inject, heal or look, which also has ``states`` by node; each
  line of a fault with ``parameters`` has them;
- ``ends.jsonl``: ``{"at_ns", "node", "exit"}``, a line for each process of the platform that ended before the
  platform was drained, for whatever reason; exit is its exit code, or minus the signal;
- ``hot_writes-<n>.jsonl``, written by hot writer n: ``{"at_unix_ns", "at_monotonic_ns", "boot",
  "duration_us", "rows", "table"}``, a line a batch, with its start by both clocks of the machine with the
  boot id ``boot``;
- ``workers.jsonl``, a line for each worker that joined the load from elsewhere, written after it left: see
  harness/history/workers.py;
- ``clocks-<worker>.jsonl``, written by each process that records operations when it starts and ends: the
  readings of both its clocks, see harness/history/process_clocks.py;
- ``latency-<worker>.hlog``: HdrHistogram interval logs of the ``operations``, see
  harness/history/latency_log.py.

It is completed by ``plan.parquet`` (a copy of the cached plan, if any), ``run.json``
(harness/history/run_info.py) and, written last, ``seal.json`` (harness/history/seal.py).

In a table's folder, ``_<series>.end.json`` holds ``{"parts"}`` once the writer of the series has closed it.
"""

_FORMER_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {name: name.replace("lake_", "batch_") for name in LAKE_TABLES if name.startswith("lake_")}
    | {"readback_record_batches": "readback_batches"}
)
"""What older histories call their tables; such runs can still be judged."""
_CURRENT_NAMES: Final[Mapping[str, str]] = MappingProxyType({old: new for new, old in _FORMER_NAMES.items()})


def table_folder(history: Path, table: str) -> Path:
    """Return the folder of a table's files, under its former name in an older history."""
    former = history / _FORMER_NAMES.get(table, table)
    return former if former.is_dir() else history / table


def current_table_name(recorded: str) -> str:
    """Return today's name of a table that was recorded as ``recorded``."""
    return _CURRENT_NAMES.get(recorded, recorded)
