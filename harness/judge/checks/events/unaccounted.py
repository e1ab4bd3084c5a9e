"""Every event must be where it belongs, and nothing may be where it does not."""

from __future__ import annotations

from collections.abc import Set
from typing import Final

from harness.history.reader import History
from harness.judge.measure.examples import examples
from harness.judge.measure.measurement import Count, Measurement, Unjudged
from harness.judge.measure.protocol import COUNT, NEVER
from harness.oracle.events import NEEDS, derive_events

_IN_SOURCE: Final = """
SELECT 'not of the plan, but in ' || topic AS stray, NULL AS seq, partition || '@' || "offset" AS place
FROM readback_events WHERE seq IS NULL OR seq < 0 OR seq > (SELECT max(seq) FROM plan)
UNION ALL
SELECT 'refused, but in events', seq, NULL
FROM oracle_present JOIN oracle_sent USING (seq) WHERE in_source > 0 AND allowed = 0
"""
_IN_OUTPUTS: Final = """
UNION ALL
SELECT unnest(list_filter([
           CASE WHEN kind <> 'malformed' AND coalesce(in_valid, 0) = 0
                THEN 'valid, but not in events_valid' END,
           CASE WHEN kind <> 'malformed' AND in_dead_letters > 0 THEN 'valid, but in events_dead_letter' END,
           CASE WHEN kind = 'malformed' AND coalesce(in_dead_letters, 0) = 0
                THEN 'malformed, but not in events_dead_letter' END,
           CASE WHEN kind = 'malformed' AND in_valid > 0 THEN 'malformed, but in events_valid' END,
           CASE WHEN kind = 'malformed' AND in_late > 0 THEN 'malformed, but in events_late' END
       ], lambda stray: stray IS NOT NULL)), seq, NULL
FROM oracle_due LEFT JOIN oracle_present USING (seq)
WHERE CASE WHEN kind = 'malformed' THEN coalesce(in_dead_letters, 0) = 0 OR in_valid > 0 OR in_late > 0
           ELSE coalesce(in_valid, 0) = 0 OR in_dead_letters > 0 END
"""
_EXAMPLES: Final = """
SELECT coalesce('event ' || seq || ' of the plan', 'record ' || place) AS item, stray
FROM strays ORDER BY seq, place LIMIT $limit
"""


class UnaccountedInSource:
    """Where nothing lies behind the source topic. What is unknown may be there, what was refused may not."""

    name = "unaccounted"
    describes = "records in the source topic that were not sent, or whose sending the platform had refused"
    unit = ""
    aggregates: Set[str] = COUNT
    default_thresholds = NEVER
    needs: Set[str] = NEEDS
    _strays = _IN_SOURCE

    def measure(self, history: History) -> Measurement:
        """How many events are missing from their topic, or are in one where they do not belong."""
        derive_events(history)
        due = history.value("SELECT count(*) FROM oracle_due")
        if not due:
            return Unjudged(reason="no event was acknowledged, and none is there")
        history.derive("strays", self._strays)
        return Count(
            value=history.value("SELECT count(*) FROM strays"),
            detail=f"of {due:,} events to account for",
            examples=examples(history, _EXAMPLES, "{item}: {stray}".format_map),
        )


class Unaccounted(UnaccountedInSource):
    """Valid events, late or not, belong into ``events_valid``; malformed ones into the dead letters."""

    describes = "events that are not where they belong, and records that belong nowhere"
    _strays = _IN_SOURCE + _IN_OUTPUTS
