"""Nothing may be in the source topic that was not sent."""

from __future__ import annotations

from collections.abc import Set
from typing import Final

from harness.history.reader import History
from harness.judge.measure.examples import examples
from harness.judge.measure.measurement import Count, Measurement, Unjudged
from harness.judge.measure.protocol import COUNT, NEVER
from harness.oracle.record_batches import NEEDS, derive_record_batches

_STRAYS: Final = """
SELECT partition, 'offset ' || "offset" || ' of partition ' || partition AS place, count,
       'records that nobody sent there' AS stray
FROM found_batches
ANTI JOIN allowed_batches USING (partition, base_timestamp_ms, records_crc)
UNION ALL
SELECT partition, 'number ' || first_seq, count, 'sent, but no such batch was encoded'
FROM sent_batches WHERE records_crc IS NULL
"""
_EXAMPLES: Final = "SELECT place, count, stray FROM stray_batches ORDER BY partition, place LIMIT $limit"


class UnaccountedRecordBatches:
    """What was refused must not be there either; what is unknown may be."""

    name = "unaccounted"
    describes = "records in the source topic that were not sent, or whose sending the platform had refused"
    unit = ""
    aggregates: Set[str] = COUNT
    default_thresholds = NEVER
    needs: Set[str] = NEEDS

    def measure(self, history: History) -> Measurement:
        """How many records belong nowhere."""
        derive_record_batches(history)
        found = history.value("SELECT coalesce(sum(count * copies), 0)::BIGINT FROM found_batches")
        if not found:
            return Unjudged(reason="the source topic is empty")
        history.derive("stray_batches", _STRAYS)
        return Count(
            value=history.value("SELECT coalesce(sum(count), 0)::BIGINT FROM stray_batches"),
            detail=f"of {found:,} records in the source topic",
            examples=examples(history, _EXAMPLES, "{place}: {count:,} {stray}".format_map),
        )
