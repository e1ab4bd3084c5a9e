"""Only what is late by the stated rule may take the late way.

The rule: an event is late when its five-minute window had closed before it came, that is, when the watermark,
the newest event time less the allowed out-of-orderness, had passed the window's end. What was counted as well
as set aside is the window checks' to find; so is what was neither.

With certainty wrong is an event that no watermark could have made late, because no event of the whole
source topic is new enough, and a record that is no valid event at all. Whether the watermark had come that
far when the event was read cannot be told from outside: a partition that stalls in a fault is declared idle,
and its events come late to a watermark that went on without them. How many were late by plan is therefore
told and not judged.
"""

from __future__ import annotations

from collections.abc import Set
from typing import Final

from harness.checks.examples import examples
from harness.checks.measurement import Count, Measurement
from harness.checks.protocol import COUNT, NEVER
from harness.history.reader import History
from harness.oracle.events import NEEDS, derive_events
from harness.oracle.windows import TUMBLING_MS

_LATE: Final = """
WITH newest AS (
    SELECT max(event_time_ms) - any_value(out_of_orderness_ms) AS watermark_ms FROM oracle_events, run
)
SELECT l.seq, p.late AS planned,
       CASE WHEN e.seq IS NULL THEN 'no valid event of the plan'
            WHEN e.event_time_ms - e.event_time_ms % $slice + $slice > newest.watermark_ms + 1
            THEN 'its window was never closed' END AS wrong
FROM (SELECT DISTINCT seq FROM readback_events WHERE topic = 'events_late') l
LEFT JOIN oracle_events e USING (seq) LEFT JOIN plan p USING (seq), newest
"""
_SUMMARY: Final = """
SELECT count(*) FILTER (wrong IS NOT NULL) AS wrong, count(*) AS late,
       count(*) FILTER (planned) AS planned_late,
       (SELECT count(*) FROM plan WHERE late AND kind = 'valid') AS planned
FROM late_way
"""
_EXAMPLES: Final = "SELECT seq, wrong FROM late_way WHERE wrong IS NOT NULL ORDER BY seq LIMIT $limit"


class LateEvents:
    """Judges what the topic of late events holds; says how much of what was planned late is in it."""

    name = "late_events"
    describes = "events in the topic of late events that cannot have been late"
    unit = ""
    aggregates: Set[str] = COUNT
    default_thresholds = NEVER
    needs: Set[str] = NEEDS

    def measure(self, history: History) -> Measurement:
        """How many events took the late way although nothing can have made them late."""
        derive_events(history)
        history.derive("late_way", _LATE, {"slice": TUMBLING_MS})
        summary = history.rows(_SUMMARY)[0]
        by_chance = summary["late"] - summary["planned_late"]
        return Count(
            value=summary["wrong"],
            detail=(
                f"{summary['late']:,} events came late: {summary['planned_late']:,} of the"
                f" {summary['planned']:,} that were planned to, and {by_chance:,} that the run made late"
            ),
            examples=examples(history, _EXAMPLES, "event {seq} of the plan: {wrong}".format_map),
        )
