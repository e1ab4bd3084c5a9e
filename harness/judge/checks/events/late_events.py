"""Events that are late by the stated rule, and no others, must be set aside.

The rule, and what an idle partition excuses, are in harness/oracle/lateness.py, which derives them from the
order of the source topic and never from the pipeline. Wrong are late events that were not set aside, events
set aside without being late, and records in the topic of late events that are not valid events. Events both
set aside and counted are left to the window checks.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any, Final

from harness.history.reader import History
from harness.judge.measure.check import SafetyCheck
from harness.judge.measure.finding import examples
from harness.judge.measure.measurement import Count, Measurement, Unjudged
from harness.judge.measure.needs import STREAM
from harness.oracle.events import NEEDS
from harness.oracle.lateness import derive_lateness

_WRONG: Final = """
SELECT seq, CASE WHEN by_order THEN 'late, but not set aside' ELSE 'set aside, but not late' END AS wrong
FROM lateness WHERE by_order <> set_aside AND NOT excused
UNION ALL
SELECT seq, 'not a valid event of the plan'
FROM (SELECT DISTINCT seq FROM readback_events WHERE topic = 'events_late') ANTI JOIN lateness USING (seq)
"""
_SUMMARY: Final = """
SELECT count(*) FILTER (by_order) AS late, count(*) FILTER (by_order AND p.late) AS planned_late,
       count(*) FILTER (excused AND p.late) AS planned_excused,
       count(*) FILTER (set_aside) AS set_aside, count(*) FILTER (excused) AS excused,
       (SELECT count(*) FROM wrongly_late) AS wrong,
       (SELECT count(*) FROM plan WHERE late AND kind = 'valid') AS planned
FROM lateness JOIN plan p USING (seq)
"""
# Whether a stream job with another out-of-orderness would have been noticed.
_BOUNDARY: Final = """
SELECT count(*) FILTER (overdue_ms >= -out_of_orderness_ms AND overdue_ms < 0) AS in_time,
       count(*) FILTER (overdue_ms >= 0 AND overdue_ms < out_of_orderness_ms) AS too_late,
       any_value(out_of_orderness_ms) / 1000 AS within_s
FROM lateness, run
"""
_EXAMPLES: Final = "FROM wrongly_late ORDER BY seq LIMIT $limit"


class LateEvents(SafetyCheck):
    """Checks the topic of late events both ways, and reports how many events planned to be late were.

    If none were, nothing was tested: setting nothing aside was right, whatever the pipeline can do.
    """

    name = "late_events"
    describes = "late events that were not set aside, and events that were set aside without being late"
    fit_for = (STREAM,)
    needs: Set[str] = NEEDS

    def measure(self, history: History) -> Measurement:
        """Count the events handled differently from what their partition's order requires."""
        derive_lateness(history)
        history.derive("wrongly_late", _WRONG)
        summary = history.rows(_SUMMARY)[0]
        if summary["planned"] and not any(summary[f] for f in ("planned_late", "planned_excused", "wrong")):
            return Unjudged(reason=f"none of the {summary['planned']:,} events planned to come late did")
        if history.scenario.load.inject.boundary and not summary["wrong"] and (doubt := _untested(history)):
            return Unjudged(reason=doubt)
        return Count(
            value=summary["wrong"],
            detail=_detail(summary),
            examples=examples(history, _EXAMPLES, "event {seq} of the plan: {wrong}".format_map),
        )


def _untested(history: History) -> str:
    """Return why the run did not test the boundary as its load intended; "" if it did."""
    boundary = history.rows(_BOUNDARY)[0]
    missing = [
        words
        for words, events in (("just in time", boundary["in_time"]), ("just too late", boundary["too_late"]))
        if not events
    ]
    if not missing:
        return ""
    return f"no event came {' or '.join(missing)}, within {boundary['within_s'] or 0:g} s of event time"


def _detail(summary: Mapping[str, Any]) -> str:
    detail = (
        f"{summary['late']:,} events came late, {summary['planned_late']:,} of the {summary['planned']:,}"
        f" planned to; {summary['set_aside']:,} set aside"
    )
    if summary["excused"]:
        detail += f", {summary['excused']:,} of them by a partition that may have been idle"
    return detail
