"""A partition must hold its batches in the order of sending, despite retries."""

from __future__ import annotations

from collections.abc import Set
from typing import Final

from harness.history.reader import History
from harness.judge.measure.check import CountingCheck
from harness.judge.measure.needs import RECORD_BATCHES
from harness.oracle.record_batches import NEEDS, derive_record_batches

_PLACED: Final = """
SELECT partition, "offset", s.count, first_seq,
       max(first_seq) OVER (PARTITION BY partition ORDER BY "offset" ROWS UNBOUNDED PRECEDING) AS newest_seq
FROM found_batches JOIN sent_batches s USING (partition, base_timestamp_ms, records_crc)
"""
_EXAMPLE: Final = (
    "{count:,} events from number {first_seq:,} at offset {offset} of partition {partition},"
    " behind number {newest_seq:,}"
)


class OutOfOrder(CountingCheck):
    """An event's key decides its partition, so a partition in order keeps every key in order."""

    name = "out_of_order"
    describes = "events that lie behind later ones of their partition in the source topic"
    fit_for = (RECORD_BATCHES,)
    needs: Set[str] = NEEDS
    wrong = "FROM placed_batches WHERE newest_seq > first_seq"
    counted = "sum(count)"
    judged = "SELECT coalesce(sum(count), 0)::BIGINT FROM placed_batches"
    nothing = "the source topic holds nothing that was sent"
    detail = "of {:,} events, by partition"
    shown = 'FROM wrong_out_of_order ORDER BY partition, "offset" LIMIT $limit'
    example = _EXAMPLE

    def prepare(self, history: History) -> str:
        """Derive where each batch lies, and the newest one before it."""
        derive_record_batches(history)
        history.derive("placed_batches", _PLACED)
        return ""
