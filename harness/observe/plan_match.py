"""Which event of the plan a record of a topic is.

A record is known by its bytes and its time: the pipeline passes both on as they came. Where an event was sent
twice, both copies are the first one's. Damaged events may be alike, such as two of which nothing is left:
each of their records is then taken for another of them, in the order in which they lie. A record with strange
bytes but a known identity, (event_id, event_time), is that event all the same. Anything else is -1.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Final, Self

import pyarrow as pa
import pyarrow.dataset as ds

from harness.database import database_in_memory

RECORDS: Final = pa.schema(
    [
        ("partition", pa.int32()),
        ("offset", pa.int64()),
        ("event_time_ms", pa.int64()),
        ("value", pa.binary()),
        ("reason", pa.string()),
        ("source_partition", pa.int32()),
        ("source_offset", pa.int64()),
    ]
)
"""What ``Matcher.add`` takes."""

_KNOWN: Final = """
CREATE TEMP TABLE known AS
SELECT md5_number(payload) AS digest, $origin_ms + event_offset_ms AS event_time_ms,
       list(seq ORDER BY seq) AS seqs, any_value(event_id) AS event_id
FROM plan WHERE kind <> 'duplicate' GROUP BY ALL
"""
_RECORDS: Final = """
CREATE OR REPLACE TEMP TABLE records (
    partition INTEGER, "offset" BIGINT, event_time_ms BIGINT, digest UHUGEINT, event_id VARCHAR,
    reason VARCHAR, source_partition INTEGER, source_offset BIGINT
)
"""
_ADD: Final = """
INSERT INTO records
SELECT partition, "offset", event_time_ms, digest,
       CASE WHEN digest NOT IN (SELECT digest FROM known)
            THEN try(json_extract_string(try(decode(value)), '$.event_id')) END,
       reason, source_partition, source_offset
FROM (SELECT *, md5_number(value) AS digest FROM chunk)
"""
_MATCHED: Final = """
WITH by_bytes AS (
    SELECT r.*, k.seqs FROM records r LEFT JOIN known k USING (digest, event_time_ms)
), alike AS (
    SELECT partition, "offset", seqs[1 + (row_number() OVER same_bytes - 1) % len(seqs)] AS seq
    FROM by_bytes WHERE len(seqs) > 1
    WINDOW same_bytes AS (PARTITION BY digest, event_time_ms ORDER BY partition, "offset")
), by_identity AS (
    SELECT event_id, event_time_ms, min(seqs[1]) AS seq FROM known
    WHERE event_id IN (SELECT event_id FROM records) GROUP BY ALL
)
SELECT partition, "offset", event_time_ms, coalesce(alike.seq, seqs[1], by_identity.seq, -1) AS seq,
       reason, source_partition, source_offset
FROM by_bytes
LEFT JOIN alike USING (partition, "offset")
LEFT JOIN by_identity USING (event_id, event_time_ms)
ORDER BY partition, "offset"
"""


class Matcher:
    """Holds a plan's identities, and the records of one topic at a time."""

    def __init__(self, plan: Path, origin_ms: int) -> None:
        """Raises OSError or pyarrow's ArrowException when the plan cannot be read."""
        self._connection = database_in_memory()
        columns = ["seq", "kind", "event_offset_ms", "event_id", "payload"]
        self._connection.register("plan", ds.dataset(plan).scanner(columns=columns))
        self._connection.execute(_KNOWN, {"origin_ms": origin_ms})
        self._connection.unregister("plan")
        self.begin()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def begin(self) -> None:
        """Forget the records so far: another topic begins."""
        self._connection.execute(_RECORDS)

    def add(self, records: pa.RecordBatch) -> None:
        """Take records of the topic, laid out as ``RECORDS``."""
        self._connection.register("chunk", pa.Table.from_batches([records]))
        self._connection.execute(_ADD)
        self._connection.unregister("chunk")

    def matched(self) -> pa.RecordBatchReader:
        """The records of the topic with their ``seq``, by partition and offset; without their values."""
        return self._connection.sql(_MATCHED).to_arrow_reader(100_000)
