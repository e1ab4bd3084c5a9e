"""Events must be stored as they were sent: the same bytes under the same key.

A record is also identified by its event id, so one whose bytes differ is neither lost nor unaccounted: it is
reported here. If an event was sent twice with different bytes, the first in the source is kept, and the
downstream topics must hold that one. A record with another time is another event (``unaccounted``); dead
letters are checked by ``dead_letters``.
"""

from __future__ import annotations

from collections.abc import Set
from typing import Final

from harness.history.reader import History
from harness.judge.measure.check import CountingCheck
from harness.judge.measure.needs import EVENTS
from harness.oracle.events import NEEDS, derive_events

_ALTERED: Final = """
SELECT topic, partition, "offset", seq,
       CASE WHEN coalesce(r.sent_as, -1) < 0 THEN 'its bytes are not those that were sent'
            WHEN key_kept IS NOT TRUE THEN 'its key is not the event''s'
            ELSE 'its bytes are those of a later sending' END AS wrong
FROM readback_events r LEFT JOIN oracle_kept k USING (seq)
WHERE seq >= 0 AND topic <> 'events_dead_letter'
  AND (coalesce(r.sent_as, -1) < 0 OR key_kept IS NOT TRUE
       OR (topic <> 'events' AND r.sent_as <> coalesce(k.sent_as, seq)))
"""


class Altered(CountingCheck):
    """Checks the source topic and the topics of valid and late events."""

    name = "altered"
    describes = "records of events whose bytes or key are not those that were sent"
    fit_for = (EVENTS,)
    needs: Set[str] = NEEDS
    wrong = _ALTERED
    judged = "SELECT count(*) FROM readback_events WHERE seq >= 0 AND topic <> 'events_dead_letter'"
    nothing = "no event of the plan is in any topic"
    detail = "of {:,} records of events"
    shown = 'FROM wrong_altered ORDER BY topic, partition, "offset" LIMIT $limit'
    example = "{topic} {partition}@{offset}, event {seq} of the plan: {wrong}"

    def prepare(self, history: History) -> str:
        """Derive what the outputs must hold for each event."""
        derive_events(history)
        return ""
