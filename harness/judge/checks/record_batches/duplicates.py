"""No batch may be stored twice: an idempotent retry repeats nothing."""

from __future__ import annotations

from collections.abc import Set

from harness.history.reader import History
from harness.judge.measure.check import CountingCheck
from harness.judge.measure.needs import RECORD_BATCHES
from harness.oracle.record_batches import NEEDS, derive_record_batches


class DuplicateRecordBatches(CountingCheck):
    """Each send of a batch has its own timestamps, so equal records with equal times are a duplicate."""

    name = "duplicates"
    describes = "surplus copies of events in the source topic"
    fit_for = (RECORD_BATCHES,)
    needs: Set[str] = NEEDS
    wrong = "FROM found_batches WHERE copies > 1"
    counted = "sum((copies - 1) * count)"
    judged = "SELECT count(*) FROM found_batches"
    nothing = "the source topic is empty"
    shown = 'FROM wrong_duplicates ORDER BY partition, "offset" LIMIT $limit'
    example = "{count:,} events at offset {offset} of partition {partition}, {copies} times"

    def prepare(self, history: History) -> str:
        """Derive the batches that were sent and those that are stored."""
        derive_record_batches(history)
        return ""
