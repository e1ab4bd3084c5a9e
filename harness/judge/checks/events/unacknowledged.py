"""Every event of the plan must eventually be acknowledged.

An unacknowledged event appears in no other safety check: a platform that refused everything would lose
nothing, repeat nothing and have every window right. Planned duplicates count too. Events that the load never
handed to its client are not the platform's failure: if nothing else is wrong, the check is INCONCLUSIVE. A
client held up by the platform keeps its events, whose outcome is then unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any, Final

from harness.history.reader import History
from harness.judge.measure.check import SafetyCheck
from harness.judge.measure.finding import examples
from harness.judge.measure.measurement import Count, Measurement, Unjudged
from harness.judge.measure.needs import EVENTS
from harness.oracle.events import derive_sendings, why_miscounted

# Where an event has several outcomes, the best one counts: ok, then unknown, which may have become ok.
_OUTCOMES: Final = """
WITH best AS (
    SELECT seq, outcome, error FROM sendings
    QUALIFY row_number() OVER (PARTITION BY seq ORDER BY outcome <> 'ok', outcome <> 'unknown', error) = 1
)
SELECT seq, coalesce(error, '') AS error,
       CASE outcome WHEN 'fail' THEN 'refused' WHEN 'unknown' THEN 'unknown' ELSE 'never sent' END AS how
FROM plan LEFT JOIN best USING (seq) WHERE outcome IS DISTINCT FROM 'ok'
"""
_SUMMARY: Final = """
SELECT count(*) AS events, count(*) FILTER (how = 'refused') AS refused,
       count(*) FILTER (how = 'unknown') AS unknown, count(*) FILTER (how = 'never sent') AS never_sent
FROM unacknowledged
"""
_EXAMPLES: Final = """
SELECT how, error, count(*) AS events, min(seq) AS first_seq
FROM unacknowledged GROUP BY how, error ORDER BY events DESC, first_seq LIMIT $limit
"""


class Unacknowledged(SafetyCheck):
    """Counts planned sends, whether or not the source topic holds them anyway."""

    name = "unacknowledged"
    describes = "events of the plan that were refused or whose outcome is unknown; none may be left unsent"
    fit_for = (EVENTS,)
    needs: Set[str] = frozenset({"operations", "plan"})

    def measure(self, history: History) -> Measurement:
        """Count the events of the plan that were not acknowledged, by outcome."""
        if why := why_miscounted(history):
            return Unjudged(reason=why)
        planned = history.value("SELECT count(*) FROM plan")
        if not planned:
            return Unjudged(reason="no event was planned")
        derive_sendings(history)
        history.derive("unacknowledged", _OUTCOMES)
        summary = history.rows(_SUMMARY)[0]
        if summary["events"] == summary["never_sent"] > 0:
            return Unjudged(reason=left_out(summary["never_sent"], planned))
        return Count(
            value=summary["events"] - summary["never_sent"],
            detail=(
                f"of {planned:,} events to send: {summary['refused']:,} refused, {summary['unknown']:,}"
                f" unknown, {summary['never_sent']:,} never sent"
            ),
            examples=examples(history, _EXAMPLES, _example),
        )


def left_out(never_sent: int, of: int) -> str:
    """Return the reason to give for events that the load itself did not send."""
    return f"the load itself did not send {never_sent:,} of {of:,} events: the platform was never given them"


def _example(row: Mapping[str, Any]) -> str:
    error = f": {row['error']}" if row["error"] else ""
    return f"{row['events']:,} {row['how']}{error}, from event {row['first_seq']} of the plan"
