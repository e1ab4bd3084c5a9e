"""The dead-letter topic must hold every malformed event as it came, say why, and from where."""

from __future__ import annotations

from collections.abc import Set
from typing import Final

from harness.checks.examples import examples
from harness.checks.measurement import Count, Measurement, Unjudged
from harness.checks.protocol import COUNT, NEVER
from harness.history.reader import History
from harness.oracle.events import NEEDS, derive_events

_WRONG: Final = """
WITH source AS (
    SELECT r.partition AS source_partition, r."offset" AS source_offset, r.seq
    FROM readback_events r JOIN plan p USING (seq) WHERE r.topic = 'events' AND p.kind = 'malformed'
), letters AS (
    SELECT r.partition, r."offset", r.seq, r.reason, r.source_partition, r.source_offset, p.kind
    FROM readback_events r LEFT JOIN plan p USING (seq) WHERE r.topic = 'events_dead_letter'
), judged AS (
    SELECT letters.*, source.seq IS NOT DISTINCT FROM letters.seq AS in_place,
           letters.seq IN (SELECT seq FROM source) AS in_source
    FROM letters LEFT JOIN source USING (source_partition, source_offset)
)
SELECT 'dead letter ' || partition || '@' || "offset" AS item,
       CASE WHEN kind IS NULL THEN 'its bytes are not those of any planned event'
            WHEN kind <> 'malformed' THEN 'its event is valid'
            WHEN coalesce(reason, '') = '' THEN 'it has no reason'
            ELSE 'its source position does not hold its event' END AS wrong
FROM judged
WHERE kind IS NULL OR kind <> 'malformed' OR coalesce(reason, '') = '' OR (in_source AND NOT in_place)
UNION ALL
SELECT 'malformed event ' || seq || ' at ' || source_partition || '@' || source_offset,
       'it has no dead letter'
FROM source ANTI JOIN letters USING (source_partition, source_offset)
UNION ALL
SELECT 'malformed event ' || seq || ', acknowledged', 'it has no dead letter'
FROM oracle_due ANTI JOIN source USING (seq) ANTI JOIN letters USING (seq) WHERE kind = 'malformed'
"""
_EXAMPLES: Final = "SELECT item, wrong FROM wrong_letters ORDER BY item LIMIT $limit"
_MALFORMED: Final = "SELECT count(*) FROM oracle_due WHERE kind = 'malformed'"
_PLANNED: Final = "SELECT count(*) FROM plan WHERE kind = 'malformed'"


class DeadLetters:
    """A letter's event is told by its bytes: altered bytes belong to no event of the plan.

    Where the source topic has lost an event, the position that its letter claims cannot be looked up, and the
    loss is ``acknowledged_lost``'s to report.
    """

    name = "dead_letters"
    describes = "dead letters that are missing, altered, of valid events, or without reason or source"
    unit = ""
    aggregates: Set[str] = COUNT
    default_thresholds = NEVER
    needs: Set[str] = NEEDS

    def measure(self, history: History) -> Measurement:
        """How many dead letters are wrong or missing."""
        derive_events(history)
        malformed = history.value(_MALFORMED)
        if not malformed and history.value(_PLANNED):
            return Unjudged(reason="none of the planned malformed events was acknowledged or is there")
        history.derive("wrong_letters", _WRONG)
        return Count(
            value=history.value("SELECT count(*) FROM wrong_letters"),
            detail=f"of {malformed:,} malformed events",
            examples=examples(history, _EXAMPLES, "{item}: {wrong}".format_map),
        )
