"""The dead-letter topic must hold every malformed event unchanged, with its reason and source."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import ClassVar, Final

from harness.history.reader import History
from harness.judge.measure.check import CountingCheck
from harness.judge.measure.needs import STREAM
from harness.oracle.events import NEEDS, derive_events
from harness.oracle.rejection import derive_malformed

_HEADERS: Final = "reason,source_offset,source_partition,source_topic"

_WRONG: Final = """
WITH source AS (
    SELECT r.partition AS source_partition, r."offset" AS source_offset, r.seq
    FROM readback_events r JOIN oracle_malformed USING (seq) WHERE r.topic = 'events'
), letters AS (
    SELECT r.*, m.reason AS expected, r.seq >= 0 AND r.seq <= (SELECT max(seq) FROM plan) AS planned,
           m.seq IS NOT NULL AS malformed
    FROM readback_events r LEFT JOIN oracle_malformed m USING (seq) WHERE r.topic = 'events_dead_letter'
), judged AS (
    SELECT letters.*, source.seq IS NOT DISTINCT FROM letters.seq AS in_place,
           letters.seq IN (SELECT seq FROM source) AS in_source
    FROM letters LEFT JOIN source USING (source_partition, source_offset)
), labelled AS (
    SELECT partition, "offset",
           CASE WHEN planned IS NOT TRUE THEN 'its bytes match no planned event'
                WHEN NOT malformed THEN 'its event is valid'
                WHEN coalesce(reason, '') = '' THEN 'it has no reason'
                WHEN reason <> expected THEN 'its reason is ' || reason || ' instead of ' || expected
                WHEN key_kept IS NOT TRUE THEN 'its key is not the event''s'
                WHEN headers IS DISTINCT FROM $headers THEN 'its headers are ' || coalesce(headers, 'none')
                WHEN source_topic IS DISTINCT FROM 'events' THEN 'its source is not a record of events'
                WHEN in_source AND NOT in_place THEN 'its source position does not hold its event'
           END AS wrong
    FROM judged
)
SELECT 'dead letter ' || partition || '@' || "offset" AS item, wrong FROM labelled WHERE wrong IS NOT NULL
UNION ALL
SELECT 'malformed event ' || seq || ' at ' || source_partition || '@' || source_offset,
       'it has no dead letter'
FROM source ANTI JOIN letters USING (source_partition, source_offset)
UNION ALL
SELECT 'malformed event ' || seq || ', acknowledged', 'it has no dead letter'
FROM oracle_due ANTI JOIN source USING (seq) ANTI JOIN letters USING (seq) WHERE kind = 'malformed'
"""
_MALFORMED: Final = "SELECT count(*) FROM oracle_due WHERE kind = 'malformed'"
_PLANNED: Final = """
SELECT count(*) AS planned, count(*) FILTER (reason IS NULL) AS kept FROM oracle_malformed
"""


class DeadLetters(CountingCheck):
    """A letter's event is identified by its bytes: altered bytes match no event of the plan. The expected
    reason is the oracle's own, from its own reading of the contract.

    Where the source topic has lost an event, the position that its letter claims cannot be looked up, and the
    loss is ``acknowledged_lost``'s to report.
    """

    name = "dead_letters"
    describes = (
        "dead letters that are missing, altered, of valid events, or with a wrong reason, key or source"
    )
    fit_for = (STREAM,)
    needs: Set[str] = NEEDS
    wrong = _WRONG
    parameters: ClassVar[Mapping[str, object]] = {"headers": _HEADERS}
    judged = _MALFORMED
    detail = "of {:,} malformed events"
    shown = "SELECT item, wrong FROM wrong_dead_letters ORDER BY item LIMIT $limit"
    example = "{item}: {wrong}"

    def prepare(self, history: History) -> str:
        """Derive the malformed events. If none of those planned arrived, nothing was tested."""
        derive_events(history)
        derive_malformed(history)
        plan = history.rows(_PLANNED)[0]
        if plan["planned"] and not history.value(_MALFORMED):
            return "none of the planned malformed events was acknowledged or found"
        return f"{plan['kept']:,} malformed events of the plan obey the contract" if plan["kept"] else ""
