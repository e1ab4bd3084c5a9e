"""The tables of a history: what a run recorded, enough to judge it again offline.

A history is a folder, ``reports/runs/<id>/history/``. Each table is a folder of Parquet parts, written every
second or so and renamed into place, so that a killed run loses a second at most. All ``*_ns`` are nanoseconds
since the run's epoch on the machine's monotonic clock, which its processes share; ``run.json`` holds the
epoch in wall-clock time too. All ``*_ms`` of events are event time: milliseconds since 1970.

``seq`` numbers the events of a plan (see harness/load/plan/file.py) in the order in which they are to be
sent, so operations record ranges of it instead of rows per event. Where record batches were
sent (harness/load/send/record_batches/), ``seq`` numbers the events of the encoded trace and goes on counting
through its repetitions. Where events were computed as they were sent (harness/load/send/computed/), ``seq``
numbers those of each ``partition`` by themselves, from 0, in the order in which they were sent there.
"""

from __future__ import annotations

import pyarrow as pa

from harness.history.encoded_schema import INDEX
from harness.history.lake_schema import LAKE_TABLES

OPERATIONS = pa.schema(
    [
        # One row is one batch of events whose outcome was the same, or one read or write of a store.
        # produce | hot_read (the prober's) | hot_point_read, hot_range_read (the readers')
        ("kind", pa.dictionary(pa.int8(), pa.string())),
        ("worker", pa.dictionary(pa.int16(), pa.string())),  # who did it: "worker-0", "readers-0"
        ("first_seq", pa.int64()),  # inclusive; -1 where no event is meant
        ("last_seq", pa.int64()),  # inclusive
        ("partition", pa.int32()),  # -1 when a batch spans partitions
        ("count", pa.int64()),  # events; 1 for a read, however many rows it found
        ("bytes", pa.int64()),  # of the events; of what a reader found, 0 where there was nothing yet
        # Where it wanted none at any moment, and they went as fast as they were taken: started_ns.
        ("intended_ns", pa.int64()),  # when the profile wanted the first event of the batch sent
        ("started_ns", pa.int64()),
        ("completed_ns", pa.int64()),
        ("outcome", pa.dictionary(pa.int8(), pa.string())),  # ok | fail | unknown
        ("error", pa.dictionary(pa.int16(), pa.string())),  # "" when ok
    ]
)

SAMPLES = pa.schema(
    [
        # A gauge or counter read at a moment: see harness/observe/ for the metrics' names and units.
        ("at_ns", pa.int64()),
        ("metric", pa.dictionary(pa.int16(), pa.string())),
        ("label", pa.dictionary(pa.int16(), pa.string())),  # node, topic, or ""
        ("value", pa.float64()),
    ]
)

GENERATOR = pa.schema(
    [
        # What each process of a load says of itself twice a second: the worst since its last sample.
        ("at_ns", pa.int64()),
        ("worker", pa.dictionary(pa.int16(), pa.string())),
        ("late_ms", pa.float64()),  # through its own fault: its loop woke late, or what was due waited for it
        ("blocked_ms", pa.float64()),  # what was due waited for the client, which the platform held up
        ("cpu_share", pa.float64()),  # processor seconds of the process, all its threads, a second
    ]
)

SOUGHT = pa.schema(
    [
        # What the prober was to look for, written before it began: what is not in ``seen`` was never seen.
        ("store", pa.dictionary(pa.int8(), pa.string())),  # hot_events | hot_windows
        ("key", pa.string()),  # entity_id, or the windows' key
        ("event_id", pa.string()),  # "" for windows, of which all of the kind and key are sought
        ("event_time_ms", pa.int64()),  # 0 for windows
        ("window_kind", pa.dictionary(pa.int8(), pa.string())),  # "" for events
        ("send_ns", pa.int64()),  # when the event was to be sent; 0 for windows
    ]
)

SEEN = pa.schema(
    [
        # The first moment at which a row could be queried in the hot store.
        ("at_ns", pa.int64()),
        ("store", pa.dictionary(pa.int8(), pa.string())),  # hot_events | hot_windows
        ("key", pa.string()),  # entity_id, or the window's key
        ("event_id", pa.string()),  # "" for windows
        ("event_time_ms", pa.int64()),  # of the event; of a window its end
        ("window_kind", pa.dictionary(pa.int8(), pa.string())),  # "" for events
        ("window_start_ms", pa.int64()),  # 0 for events
    ]
)

# What was read back once the run had drained, from the first offset to the last, read_committed.
READBACK_EVENTS = pa.schema(
    [
        # events | events_valid | events_late | events_dead_letter
        ("topic", pa.dictionary(pa.int8(), pa.string())),
        ("partition", pa.int32()),
        ("offset", pa.int64()),
        ("event_time_ms", pa.int64()),
        # The event's seq in the plan (the original's, for a duplicate); -1 when the plan has no such event.
        ("seq", pa.int64()),
        # The seq of the event's first sending with these very bytes: a duplicate may say something else.
        # -1 when none had them, so that the record is altered.
        ("sent_as", pa.int64()),
        ("key_kept", pa.bool_()),  # whether the record's key is the event's
        # Dead letters only: the names of their headers in order; then the reason, and the source that they
        # claim, which are null where the headers cannot be read.
        ("headers", pa.dictionary(pa.int32(), pa.string())),
        ("reason", pa.dictionary(pa.int32(), pa.string())),
        ("source_topic", pa.dictionary(pa.int32(), pa.string())),
        ("source_partition", pa.int32()),
        ("source_offset", pa.int64()),
    ]
)

# The source topic as read back after a load of record batches: each is known by what it holds and when.
READBACK_RECORD_BATCHES = pa.schema(
    [
        ("partition", pa.int32()),
        ("offset", pa.int64()),  # of its first record
        ("count", pa.int32()),  # records
        ("base_timestamp_ms", pa.int64()),
        ("records_crc", pa.uint32()),  # CRC-32C of its records, compressed as they are
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
"""The kind of a record that is no window result: it has no bounds, and its key says why."""

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
    # The batches that operations send: of an encoded trace (a copy of its index), or of events that were
    # computed as they were sent (a part a chunk, written before any of it could be sent).
    "encoded": INDEX,
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
"""Beside these tables lie, appended line by line and flushed:

- ``phases.jsonl``: ``{"at_ns", "phase", "at_unix_ns"}`` where phase is one of those in
  harness/history/course.py, and at_unix_ns the same moment by the wall clock;
- ``faults.jsonl``: ``{"at_ns", "fault", "kind", "action", "nodes", "ok", "detail"}`` where fault numbers the
  faults of the schedule from 0 and action is inject, heal or look, which has ``states`` by node besides; a
  fault that has ``parameters`` has them in each of its lines;
- ``ends.jsonl``: ``{"at_ns", "node", "exit"}``, a line for each process of the platform that ended before it
  was drained, whoever ended it; exit is its exit code, or minus the signal;
- ``hot_writes-<n>.jsonl``, written by hot writer n: ``{"at_unix_ns", "at_monotonic_ns", "boot",
  "duration_us", "rows", "table"}``, a line a batch, with its start by both clocks of the machine that was
  booted as ``boot``;
- ``workers.jsonl``, a line for each worker that joined the load from elsewhere, written when it had left: see
  harness/history/workers.py;
- ``clocks-<worker>.jsonl``, by each process that records operations, when it begins and when it ends: what
  both its clocks show, see harness/history/process_clocks.py;
- ``latency-<worker>.hlog``: HdrHistogram interval logs of what stands in ``operations``, see
  harness/history/latency_log.py.

``plan.parquet`` (a copy of the cached plan, where there is one), ``run.json`` (harness/history/run_info.py)
and ``seal.json`` (harness/history/seal.py), which is written last of all, complete it.

In the folder of a table, ``_<series>.end.json`` says ``{"parts"}`` once the writer of a series has closed it.
"""
