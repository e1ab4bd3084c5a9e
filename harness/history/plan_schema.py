"""The table ``plan``: every event that a load must send."""

from __future__ import annotations

import pyarrow as pa

PLAN = pa.schema(
    [
        ("seq", pa.int64()),  # 0, 1, 2, ... in order of send_offset_ms
        ("kind", pa.dictionary(pa.int8(), pa.string())),  # valid | duplicate | conflict | malformed | closing
        ("late", pa.bool_()),  # sent inject.late_by after its event time
        ("original_seq", pa.int64()),  # of the event that a duplicate or conflict repeats; otherwise its own
        ("event_offset_ms", pa.int64()),  # event time, counted from the event clock's origin
        ("send_offset_ms", pa.int64()),  # when to send it, on the event clock, counted from its origin
        ("event_id", pa.string()),  # null for malformed
        ("event_type", pa.string()),
        ("entity_id", pa.string()),  # also the Kafka key
        ("category", pa.string()),
        ("reference_id", pa.string()),  # nullable
        ("value", pa.float64()),  # nullable
        ("quantity", pa.int64()),  # nullable
        ("attributes", pa.string()),  # nullable; a JSON object of strings, keys sorted
        ("payload", pa.binary()),  # the record's value as sent: JSON per the contract, or broken
        ("fault", pa.string()),  # malformed only: the kind of damage, such as truncated
    ]
)
"""A ``duplicate`` repeats a valid event byte for byte. A ``conflict`` has a valid event's identity,
(event_id, event time), and entity, but another value: the pipeline must keep the one that comes first in the
source topic (harness/oracle/events.py).

``closing`` events are ordinary valid events, a few for each partition, sent last, with event times past
every window of the trace, so that the watermark closes those windows (harness/load/plan/closing.py). Their
own windows stay open, and the oracle expects only windows that end at or before the closing events' time less
the watermark's delay.

Event times are ``origin_ms + event_offset_ms``, where the run chooses the origin so that the event clock
never runs ahead of the wall clock. Only closing events are sent before their time on the event clock.
"""
