"""What a partition is sent in order it must hold in order, whatever was retried."""

from __future__ import annotations

from collections.abc import Set
from typing import Final

from harness.history.reader import History
from harness.judge.measure.examples import examples
from harness.judge.measure.measurement import Count, Measurement, Unjudged
from harness.judge.measure.protocol import COUNT, NEVER
from harness.oracle.record_batches import NEEDS, derive_record_batches

_PLACED: Final = """
SELECT partition, "offset", s.count, first_seq,
       max(first_seq) OVER (PARTITION BY partition ORDER BY "offset" ROWS UNBOUNDED PRECEDING) AS newest_seq
FROM found_batches JOIN sent_batches s USING (partition, base_timestamp_ms, records_crc)
"""
_EXAMPLES: Final = """
SELECT first_seq, count, partition, "offset", newest_seq FROM placed_batches
WHERE newest_seq > first_seq ORDER BY partition, "offset" LIMIT $limit
"""
_EXAMPLE: Final = (
    "{count:,} events from number {first_seq:,} at offset {offset} of partition {partition},"
    " behind number {newest_seq:,}"
)


class OutOfOrder:
    """An event's key decides its partition, so a partition in order keeps every key in order."""

    name = "out_of_order"
    describes = "events that lie behind later ones of their partition in the source topic"
    unit = ""
    aggregates: Set[str] = COUNT
    default_thresholds = NEVER
    needs: Set[str] = NEEDS

    def measure(self, history: History) -> Measurement:
        """How many events came too late."""
        derive_record_batches(history)
        history.derive("placed_batches", _PLACED)
        placed = history.value("SELECT coalesce(sum(count), 0)::BIGINT FROM placed_batches")
        if not placed:
            return Unjudged(reason="the source topic holds nothing that was sent")
        return Count(
            value=history.value(
                "SELECT coalesce(sum(count) FILTER (newest_seq > first_seq), 0)::BIGINT FROM placed_batches"
            ),
            detail=f"of {placed:,} events, by partition",
            examples=examples(history, _EXAMPLES, _EXAMPLE.format_map),
        )
