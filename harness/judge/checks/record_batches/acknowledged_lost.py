"""No acknowledged batch may be missing."""

from __future__ import annotations

from collections.abc import Set
from typing import Final

from harness.history.reader import History
from harness.judge.measure.check import CountingCheck
from harness.judge.measure.needs import RECORD_BATCHES
from harness.oracle.record_batches import NEEDS, derive_record_batches

_LOST: Final = """
FROM (FROM sent_batches WHERE outcome = 'ok')
ANTI JOIN found_batches USING (partition, base_timestamp_ms, records_crc)
"""
_EXAMPLES: Final = """
SELECT first_seq, count, partition, worker, completed_ns / 1e9 AS at_s
FROM wrong_acknowledged_lost ORDER BY first_seq LIMIT $limit
"""
_EXAMPLE: Final = (
    "{count:,} events from number {first_seq:,} in partition {partition}, acknowledged to {worker} at"
    " {at_s:.3f} s"
)


class AcknowledgedLostRecordBatches(CountingCheck):
    """A batch is stored if its partition holds exactly its records with the time that they were sent with."""

    name = "acknowledged_lost"
    describes = "events that the platform acknowledged and that its source topic no longer holds at the end"
    fit_for = (RECORD_BATCHES,)
    needs: Set[str] = NEEDS
    wrong = _LOST
    counted = "sum(count)"
    judged = "SELECT coalesce(sum(count), 0)::BIGINT FROM sent_batches WHERE outcome = 'ok'"
    nothing = "no event was acknowledged"
    detail = "of {:,} acknowledged events"
    shown = _EXAMPLES
    example = _EXAMPLE

    def prepare(self, history: History) -> str:
        """Derive the batches that were sent and those that are stored."""
        derive_record_batches(history)
        return ""
