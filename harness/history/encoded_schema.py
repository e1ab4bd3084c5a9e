"""The index of encoded batches: a row each, by which checks know again what was sent."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

INDEX: Final = pa.schema(
    [
        ("position", pa.int64()),  # of the batch in the file of batches; null where there is none
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
