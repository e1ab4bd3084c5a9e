"""Generated events as JSON, by column: the same text as harness/load/plan/payload.py's SQL, but for numbers.

No value that is generated holds a character that JSON escapes, so texts are joined as they are.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc


def payloads_of(events: pa.RecordBatch) -> list[bytes]:
    """The record's value of each event."""
    texts = pc.binary_join_element_wise(
        '{"event_id":"',
        events.column("event_id"),
        '","event_type":"',
        events.column("event_type"),
        '","entity_id":"',
        events.column("entity_id"),
        '","category":"',
        events.column("category"),
        '","reference_id":"',
        events.column("reference_id"),
        '","value":',
        events.column("value").cast(pa.string()),
        ',"quantity":',
        events.column("quantity").cast(pa.string()),
        ',"attributes":',
        events.column("attributes"),
        "}",
        "",
    )
    payloads: list[bytes] = texts.cast(pa.binary()).to_pylist()
    return payloads
