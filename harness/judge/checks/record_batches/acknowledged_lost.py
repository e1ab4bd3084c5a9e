"""No batch that was acknowledged may be gone."""

from __future__ import annotations

from collections.abc import Set
from typing import Final

from harness.history.reader import History
from harness.judge.measure.examples import examples
from harness.judge.measure.measurement import Count, Measurement, Unjudged
from harness.judge.measure.protocol import COUNT, NEVER
from harness.oracle.record_batches import NEEDS, derive_record_batches

_LOST: Final = """
FROM (FROM sent_batches WHERE outcome = 'ok')
ANTI JOIN found_batches USING (partition, base_timestamp_ms, records_crc)
"""
_EXAMPLES: Final = """
SELECT first_seq, count, partition, worker, completed_ns / 1e9 AS at_s
FROM lost_batches ORDER BY first_seq LIMIT $limit
"""
_EXAMPLE: Final = (
    "{count:,} events from number {first_seq:,} in partition {partition}, acknowledged to {worker} at"
    " {at_s:.3f} s"
)


class AcknowledgedLostRecordBatches:
    """A batch is there when its partition holds its very records under the time that they were given."""

    name = "acknowledged_lost"
    describes = "events that the platform acknowledged and that its source topic no longer holds at the end"
    unit = ""
    aggregates: Set[str] = COUNT
    default_thresholds = NEVER
    needs: Set[str] = NEEDS

    def measure(self, history: History) -> Measurement:
        """How many acknowledged events the source topic lacks."""
        derive_record_batches(history)
        acknowledged = history.value(
            "SELECT coalesce(sum(count), 0)::BIGINT FROM sent_batches WHERE outcome = 'ok'"
        )
        if not acknowledged:
            return Unjudged(reason="no event was acknowledged")
        history.derive("lost_batches", _LOST)
        return Count(
            value=history.value("SELECT coalesce(sum(count), 0)::BIGINT FROM lost_batches"),
            detail=f"of {acknowledged:,} acknowledged events",
            examples=examples(history, _EXAMPLES, _EXAMPLE.format_map),
        )
