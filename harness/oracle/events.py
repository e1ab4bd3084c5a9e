"""Which valid events the pipeline was given: those that everything behind the source topic is judged by.

An event counts as given when the read-back of the source topic holds it, however its sending ended: what was
acknowledged and is not there is lost before the pipeline, which the check ``acknowledged_lost`` reports, and
what is unknown is decided by being there or not. An event that the pipeline's outputs hold although the
source topic lost it since was given too. Duplicates repeat an event and add none.
"""

from __future__ import annotations

from typing import Final

from harness.history.reader import History

NEEDS: Final = frozenset({"plan", "readback_events", "run"})
"""The tables without which these events are not known."""

_PRESENT = """
SELECT seq, topic, count(*) AS copies FROM readback_events WHERE seq >= 0 GROUP BY seq, topic
"""

_GIVEN = """
SELECT p.seq, p.kind, run.origin_ms + p.event_offset_ms AS event_time_ms,
       p.entity_id, p.category, p.value,
       p.seq IN (SELECT seq FROM oracle_present WHERE topic = 'events_late') AS went_late
FROM plan p, run
WHERE p.kind IN ('valid', 'closing')
  AND p.seq IN (SELECT seq FROM oracle_present WHERE topic IN ('events', 'events_valid', 'events_late'))
"""


def derive_events(history: History) -> None:
    """Make two tables.

    ``oracle_present (seq, topic, copies)``: what the read-back found, by identity.
    ``oracle_events (seq, kind, event_time_ms, entity_id, category, value, went_late)``: the valid events
    that the pipeline was given, each once; ``went_late`` says that the topic of late events holds it.
    """
    history.derive("oracle_present", _PRESENT)
    history.derive("oracle_events", _GIVEN)
