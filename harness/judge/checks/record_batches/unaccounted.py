"""The source topic may hold only what was sent."""

from __future__ import annotations

from collections.abc import Set
from typing import Final

from harness.history.reader import History
from harness.judge.measure.check import CountingCheck
from harness.judge.measure.needs import RECORD_BATCHES
from harness.oracle.record_batches import NEEDS, derive_record_batches

_STRAYS: Final = """
SELECT partition, 'offset ' || "offset" || ' of partition ' || partition AS place, count,
       'records that were never sent there' AS stray
FROM found_batches
ANTI JOIN allowed_batches USING (partition, base_timestamp_ms, records_crc)
UNION ALL
SELECT partition, 'number ' || first_seq, count, 'sent, but no such batch was encoded'
FROM sent_batches WHERE records_crc IS NULL
"""


class UnaccountedRecordBatches(CountingCheck):
    """Refused batches must not be stored either; those with an unknown outcome may be."""

    name = "unaccounted"
    describes = "records in the source topic that were not sent, or whose sending the platform had refused"
    fit_for = (RECORD_BATCHES,)
    needs: Set[str] = NEEDS
    wrong = _STRAYS
    counted = "sum(count)"
    judged = "SELECT coalesce(sum(count * copies), 0)::BIGINT FROM found_batches"
    nothing = "the source topic is empty"
    detail = "of {:,} records in the source topic"
    shown = "SELECT place, count, stray FROM wrong_unaccounted ORDER BY partition, place LIMIT $limit"
    example = "{place}: {count:,} {stray}"

    def prepare(self, history: History) -> str:
        """Derive the batches that were sent and those that are stored."""
        derive_record_batches(history)
        return ""
