"""What was sent must be in the topics of events as it was sent: the same bytes under the same key.

A record is known by its identity as well, so that one whose bytes differ is neither lost nor foreign: it is
this check's. Of an event that was sent twice with different bytes, what lies first in the source is kept, and
the topics behind it must hold that one. A record at another time is another event, and ``unaccounted``; the
bytes and keys of dead letters are ``dead_letters``'s.
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
            WHEN key_kept IS NOT TRUE THEN 'its key is not its event''s'
            ELSE 'its bytes are those of a later sending' END AS wrong
FROM readback_events r LEFT JOIN oracle_kept k USING (seq)
WHERE seq >= 0 AND topic <> 'events_dead_letter'
  AND (coalesce(r.sent_as, -1) < 0 OR key_kept IS NOT TRUE
       OR (topic <> 'events' AND r.sent_as <> coalesce(k.sent_as, seq)))
"""


class Altered(CountingCheck):
    """Looks at the source topic, and at the topics of valid and of late events."""

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
        """Derive what of each event the outputs must hold."""
        derive_events(history)
        return ""
