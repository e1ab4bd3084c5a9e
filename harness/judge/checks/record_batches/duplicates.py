"""No batch may be there twice: a retry that is idempotent repeats nothing."""

from __future__ import annotations

from collections.abc import Set
from typing import Final

from harness.history.reader import History
from harness.judge.measure.examples import examples
from harness.judge.measure.measurement import Count, Measurement, Unjudged
from harness.judge.measure.protocol import COUNT, NEVER
from harness.oracle.record_batches import NEEDS, derive_record_batches

_EXAMPLES: Final = """
SELECT partition, "offset", count, copies FROM found_batches
WHERE copies > 1 ORDER BY partition, "offset" LIMIT $limit
"""
_EXAMPLE: Final = "{count:,} events at offset {offset} of partition {partition}, {copies} times"


class DuplicateRecordBatches:
    """Each send of a batch bears times of its own, so the same records under the same time came twice."""

    name = "duplicates"
    describes = "surplus copies of events in the source topic"
    unit = ""
    aggregates: Set[str] = COUNT
    default_thresholds = NEVER
    needs: Set[str] = NEEDS

    def measure(self, history: History) -> Measurement:
        """How many records are one copy too many."""
        derive_record_batches(history)
        if not history.value("SELECT count(*) FROM found_batches"):
            return Unjudged(reason="the source topic is empty: nothing is there, neither once nor twice")
        return Count(
            value=history.value("SELECT sum((copies - 1) * count)::BIGINT FROM found_batches"),
            examples=examples(history, _EXAMPLES, _EXAMPLE.format_map),
        )
