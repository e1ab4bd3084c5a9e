"""Every event must be where it belongs, and nothing may be where it does not."""

from __future__ import annotations

from collections.abc import Set
from typing import Final

from harness.checks.examples import examples
from harness.checks.measurement import Count, Measurement, Unjudged
from harness.checks.protocol import COUNT, NEVER
from harness.history.reader import History
from harness.oracle.events import NEEDS, derive_events

_STRAYS: Final = """
WITH outputs AS (
    SELECT seq, topic, p.kind = 'malformed' AS malformed
    FROM oracle_present JOIN plan p USING (seq) WHERE topic <> 'events'
)
SELECT 'valid, but not in events_valid' AS stray, seq, NULL AS place
FROM oracle_events ANTI JOIN (FROM outputs WHERE topic = 'events_valid') USING (seq)
UNION ALL
SELECT 'malformed, but not in events_dead_letter', seq, NULL
FROM (FROM oracle_due WHERE kind = 'malformed')
ANTI JOIN (FROM outputs WHERE topic = 'events_dead_letter') USING (seq)
UNION ALL
SELECT 'malformed, but in ' || topic, seq, NULL FROM outputs WHERE malformed AND topic <> 'events_dead_letter'
UNION ALL
SELECT 'valid, but in ' || topic, seq, NULL FROM outputs WHERE NOT malformed AND topic = 'events_dead_letter'
UNION ALL
SELECT 'not of the plan, but in ' || topic, NULL, partition || '@' || "offset"
FROM readback_events ANTI JOIN plan USING (seq)
"""
_EXAMPLES: Final = """
SELECT coalesce('event ' || seq || ' of the plan', 'record ' || place) AS item, stray
FROM strays ORDER BY seq, place LIMIT $limit
"""


class Unaccounted:
    """Valid events, late or not, belong into ``events_valid``; malformed ones into the dead letters."""

    name = "unaccounted"
    describes = "events that are not where they belong, and records that belong nowhere"
    unit = ""
    aggregates: Set[str] = COUNT
    default_thresholds = NEVER
    needs: Set[str] = NEEDS

    def measure(self, history: History) -> Measurement:
        """How many events are missing from their topic, or are in one where they do not belong."""
        derive_events(history)
        due = history.value("SELECT count(*) FROM oracle_due")
        if not due:
            return Unjudged(reason="no event was acknowledged, and none is there")
        history.derive("strays", _STRAYS)
        return Count(
            value=history.value("SELECT count(*) FROM strays"),
            detail=f"of {due:,} events to account for",
            examples=examples(history, _EXAMPLES, "{item}: {stray}".format_map),
        )
