"""Matches a topic's records with the plan's events, and detects records that were altered.

A record is identified by its bytes and time, which the pipeline passes on unchanged. Where an event was sent
twice, both copies match the first sending. Damaged events may be identical, such as two empty ones; their
records are then assigned to these events in turn, in the topic's order. A record with unknown bytes but a
known identity, (event_id, event_time), is that event, altered. Any other record matches no event.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Final, Self

import pyarrow as pa
import pyarrow.dataset as ds

from harness.base.database import database_in_memory

RECORDS: Final = pa.schema(
    [
        ("partition", pa.int32()),
        ("offset", pa.int64()),
        ("event_time_ms", pa.int64()),
        ("key", pa.binary()),
        ("value", pa.binary()),
        ("headers", pa.string()),
        ("reason", pa.string()),
        ("source_topic", pa.string()),
        ("source_partition", pa.int32()),
        ("source_offset", pa.int64()),
    ]
)
"""The schema for ``Matcher.add``."""

_SENDINGS: Final = """
CREATE TEMP TABLE sendings AS
SELECT seq, original_seq, event_id, entity_id,
       md5_number(payload) AS digest, $origin_ms + event_offset_ms AS event_time_ms
FROM plan
"""
# A byte-for-byte repetition of an event counts as the earlier sending.
_KNOWN: Final = """
CREATE TEMP TABLE known AS
SELECT digest, event_time_ms, min(original_seq) AS seq, max(original_seq) AS last_seq, min(seq) AS sent_as,
       encode(coalesce(any_value(entity_id), min(seq)::VARCHAR)) AS key, any_value(event_id) AS event_id
FROM sendings GROUP BY digest, event_time_ms
"""
# Events that share both bytes and time.
_ALIKE: Final = """
CREATE TEMP TABLE alike AS
WITH events AS (
    SELECT digest, event_time_ms, original_seq AS seq, min(seq) AS sent_as,
           encode(coalesce(any_value(entity_id), min(seq)::VARCHAR)) AS key
    FROM sendings SEMI JOIN (FROM known WHERE seq <> last_seq) USING (digest, event_time_ms) GROUP BY ALL
)
SELECT digest, event_time_ms, list({'seq': seq, 'sent_as': sent_as} ORDER BY seq) AS events, list(key) AS keys
FROM events GROUP BY digest, event_time_ms
"""
_RECORDS: Final = """
CREATE OR REPLACE TEMP TABLE records (
    partition INTEGER, "offset" BIGINT, event_time_ms BIGINT, key BLOB, digest UHUGEINT, event_id VARCHAR,
    headers VARCHAR, reason VARCHAR, source_topic VARCHAR, source_partition INTEGER, source_offset BIGINT
)
"""
_ADD: Final = """
INSERT INTO records
SELECT partition, "offset", event_time_ms, key, digest,
       CASE WHEN digest NOT IN (SELECT digest FROM known)
            THEN try(json_extract_string(try(decode(value)), '$.event_id')) END,
       headers, reason, source_topic, source_partition, source_offset
FROM (SELECT *, md5_number(value) AS digest FROM chunk)
"""
# A record of identical events is right under the key of any of them, whichever it is assigned to.
_MATCHED: Final = """
WITH of_alike AS (
    SELECT partition, "offset", events[1 + (row_number() OVER same_bytes - 1) % len(events)] AS taken_for,
           list_contains(keys, key) AS key_kept
    FROM records JOIN alike USING (digest, event_time_ms)
    WINDOW same_bytes AS (PARTITION BY digest, event_time_ms ORDER BY partition, "offset")
), by_identity AS (
    SELECT event_id, event_time_ms, min(seq) AS seq, min_by(key, sent_as) AS key FROM known
    WHERE event_id IN (SELECT event_id FROM records) GROUP BY ALL
)
SELECT partition, "offset", event_time_ms, coalesce(taken_for.seq, k.seq, i.seq, -1) AS seq,
       coalesce(taken_for.sent_as, k.sent_as, -1) AS sent_as,
       coalesce(of_alike.key_kept, r.key = coalesce(k.key, i.key), false) AS key_kept,
       headers, reason, source_topic, source_partition, source_offset
FROM records r
LEFT JOIN known k USING (digest, event_time_ms)
LEFT JOIN of_alike USING (partition, "offset")
LEFT JOIN by_identity i ON i.event_id = r.event_id AND i.event_time_ms = r.event_time_ms
ORDER BY partition, "offset"
"""


class Matcher:
    """Holds a plan's identities, and the records of one topic at a time."""

    def __init__(self, plan: Path, origin_ms: int) -> None:
        """Raises OSError or pyarrow's ArrowException when the plan cannot be read."""
        self._connection = database_in_memory()
        columns = ["seq", "original_seq", "event_offset_ms", "event_id", "entity_id", "payload"]
        self._connection.register("plan", ds.dataset(plan).scanner(columns=columns))
        self._connection.execute(_SENDINGS, {"origin_ms": origin_ms})
        self._connection.unregister("plan")
        self._connection.execute(_KNOWN)
        self._connection.execute(_ALIKE)
        self._connection.execute("DROP TABLE sendings")
        self.begin()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def begin(self) -> None:
        """Begin another topic: forget the records so far."""
        self._connection.execute(_RECORDS)

    def add(self, records: pa.RecordBatch) -> None:
        """Add records of the topic, in the schema ``RECORDS``."""
        self._connection.register("chunk", pa.Table.from_batches([records]))
        self._connection.execute(_ADD)
        self._connection.unregister("chunk")

    def matched(self) -> pa.RecordBatchReader:
        """Return the topic's records by partition and offset, as the history keeps them: without values."""
        return self._connection.sql(_MATCHED).to_arrow_reader(100_000)
