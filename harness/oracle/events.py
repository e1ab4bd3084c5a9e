"""Which events the pipeline is to account for: those that everything behind the source topic is judged by.

An event counts when its sending was acknowledged, however often it was sent. One whose sending was not
acknowledged may be there or not: it counts when the read-back of the source topic holds it, or that of an
output, which cannot have it from anywhere else. Duplicates repeat an event and add none.
"""

from __future__ import annotations

from typing import Final

from harness.history.reader import History

NEEDS: Final = frozenset({"operations", "plan", "readback_events", "run"})
"""The tables without which these events are not known."""

_ACKNOWLEDGED = """
WITH sendings AS (
    -- No range reaches further than the plan, whatever the history says.
    SELECT unnest(range(greatest(first_seq, 0), least(last_seq, (SELECT max(seq) FROM plan)) + 1)) AS seq
    FROM operations WHERE kind = 'produce' AND outcome = 'ok' AND count = last_seq - first_seq + 1
)
SELECT p.original_seq AS seq, count(*) AS copies FROM plan p JOIN sendings USING (seq) GROUP BY p.original_seq
"""
_PRESENT = """
SELECT seq, topic, count(*) AS copies FROM readback_events WHERE seq >= 0 GROUP BY seq, topic
"""
_DUE = """
SELECT p.seq, p.kind, run.origin_ms + p.event_offset_ms AS event_time_ms,
       p.entity_id, p.category, p.value
FROM plan p, run
WHERE p.kind <> 'duplicate'
  AND (p.seq IN (SELECT seq FROM acknowledged) OR p.seq IN (SELECT seq FROM oracle_present))
"""
_VALID = "SELECT * FROM oracle_due WHERE kind <> 'malformed'"


def derive_events(history: History) -> None:
    """Make four tables.

    ``acknowledged (seq, copies)``: how many sendings of each event were acknowledged.
    ``oracle_present (seq, topic, copies)``: what the read-back found, by event.
    ``oracle_due (seq, kind, event_time_ms, entity_id, category, value)``: the events to account for, each
    once.
    ``oracle_events``: the valid ones of these.
    """
    history.derive("acknowledged", _ACKNOWLEDGED)
    history.derive("oracle_present", _PRESENT)
    history.derive("oracle_due", _DUE)
    history.derive("oracle_events", _VALID)
