"""Every event must be where it belongs, and nothing may be where it does not."""

from __future__ import annotations

from collections.abc import Set
from typing import Final

from harness.history.reader import History
from harness.judge.measure.check import CountingCheck
from harness.judge.measure.needs import EVENTS, SOURCE_ALONE, STREAM
from harness.oracle.events import NEEDS, derive_events

_IN_SOURCE: Final = """
SELECT 'not in the plan, but in ' || topic AS stray, NULL AS seq, partition || '@' || "offset" AS place
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
FROM wrong_unaccounted ORDER BY seq, place LIMIT $limit
"""


class UnaccountedInSource(CountingCheck):
    """For runs with only the source topic. Unknown sends may be stored, refused ones may not."""

    name = "unaccounted"
    describes = "records in the source topic that were not sent, or whose sending the platform had refused"
    fit_for = (SOURCE_ALONE, EVENTS)
    needs: Set[str] = NEEDS
    wrong = _IN_SOURCE
    judged = "SELECT count(*) FROM oracle_due"
    nothing = "no event was acknowledged or found"
    detail = "of {:,} events to account for"
    shown = _EXAMPLES
    example = "{item}: {stray}"

    def prepare(self, history: History) -> str:
        """Derive where each event must be."""
        derive_events(history)
        return ""


class Unaccounted(UnaccountedInSource):
    """Valid events, late or not, belong in ``events_valid``, malformed ones in the dead letters."""

    describes = "events that are not where they belong, and records that belong nowhere"
    fit_for = (STREAM, EVENTS)
    wrong = _IN_SOURCE + _IN_OUTPUTS
