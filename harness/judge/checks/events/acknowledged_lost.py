"""No event that was acknowledged may be gone."""

from __future__ import annotations

from collections.abc import Set
from typing import Final

from harness.history.reader import History
from harness.judge.measure.examples import examples
from harness.judge.measure.measurement import Count, Measurement, Unjudged
from harness.judge.measure.protocol import COUNT, NEVER
from harness.oracle.events import NEEDS, derive_events
from harness.oracle.sendings import why_torn

_LOST: Final = """
SELECT sent_as AS seq, acknowledged - coalesce(copies, 0) AS lost
FROM oracle_sent_as LEFT JOIN oracle_stored USING (sent_as) WHERE acknowledged > coalesce(copies, 0)
"""
_EXAMPLES: Final = """
SELECT seq, min(worker) AS worker, min(completed_ns) / 1e9 AS at_s
FROM (FROM acknowledged_lost ORDER BY seq LIMIT $limit)
LEFT JOIN operations o ON kind = 'produce' AND outcome = 'ok' AND seq BETWEEN first_seq AND last_seq
GROUP BY seq ORDER BY seq
"""
_EXAMPLE: Final = "event {seq} of the plan, acknowledged to {worker} at {at_s:.3f} s"


class AcknowledgedLost:
    """Counts by identity and content: what was sent twice and acknowledged twice must be there twice."""

    name = "acknowledged_lost"
    describes = "events that the platform acknowledged and that its source topic no longer holds at the end"
    unit = ""
    aggregates: Set[str] = COUNT
    default_thresholds = NEVER
    needs: Set[str] = NEEDS

    def measure(self, history: History) -> Measurement:
        """How many acknowledged events the source topic lacks."""
        if why := why_torn(history):
            return Unjudged(reason=why)
        derive_events(history)
        acknowledged = history.value("SELECT coalesce(sum(acknowledged), 0)::BIGINT FROM oracle_sent")
        if not acknowledged:
            return Unjudged(reason="no event was acknowledged")
        history.derive("acknowledged_lost", _LOST)
        return Count(
            value=history.value("SELECT coalesce(sum(lost), 0)::BIGINT FROM acknowledged_lost"),
            detail=f"of {acknowledged:,} acknowledged events",
            examples=examples(history, _EXAMPLES, _EXAMPLE.format_map),
        )
