"""No acknowledged event may be missing."""

from __future__ import annotations

from collections.abc import Set
from typing import Final

from harness.history.reader import History
from harness.judge.measure.check import CountingCheck
from harness.judge.measure.needs import EVENTS
from harness.oracle.events import NEEDS, derive_events, why_miscounted

_LOST: Final = """
SELECT sent_as AS seq, acknowledged - coalesce(copies, 0) AS lost
FROM oracle_sent_as LEFT JOIN oracle_stored USING (sent_as) WHERE acknowledged > coalesce(copies, 0)
"""
_EXAMPLES: Final = """
SELECT seq, min(worker) AS worker, min(completed_ns) / 1e9 AS at_s
FROM (FROM wrong_acknowledged_lost ORDER BY seq LIMIT $limit)
LEFT JOIN operations o ON kind = 'produce' AND outcome = 'ok' AND seq BETWEEN first_seq AND last_seq
GROUP BY seq ORDER BY seq
"""


class AcknowledgedLost(CountingCheck):
    """Counts by identity and content: an event acknowledged twice must be stored twice."""

    name = "acknowledged_lost"
    describes = "events that the platform acknowledged and that its source topic no longer holds at the end"
    fit_for = (EVENTS,)
    needs: Set[str] = NEEDS
    wrong = _LOST
    counted = "sum(lost)"
    judged = "SELECT coalesce(sum(acknowledged), 0)::BIGINT FROM oracle_sent"
    nothing = "no event was acknowledged"
    detail = "of {:,} acknowledged events"
    shown = _EXAMPLES
    example = "event {seq} of the plan, acknowledged to {worker} at {at_s:.3f} s"

    def prepare(self, history: History) -> str:
        """Derive what was sent and what is stored, unless an operation's count differs from its range."""
        if why := why_miscounted(history):
            return why
        derive_events(history)
        return ""
