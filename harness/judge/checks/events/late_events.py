"""What is late by the stated rule takes the late way, and nothing else does.

The rule, and what an idle partition excuses, are harness/oracle/lateness.py's, which knows the source topic's
order and never asks the pipeline. Wrong is a late event that was not set aside, an event that was set aside
without being late, and a record in the topic of late events that is no valid event at all. What was counted
as well as set aside is the window checks' to find.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any, Final

from harness.history.reader import History
from harness.judge.measure.check import SafetyCheck
from harness.judge.measure.examples import examples
from harness.judge.measure.measurement import Count, Measurement, Unjudged
from harness.judge.measure.needs import STREAM
from harness.oracle.events import NEEDS
from harness.oracle.lateness import derive_lateness

_WRONG: Final = """
SELECT seq, CASE WHEN by_order THEN 'late, but not set aside' ELSE 'set aside, but not late' END AS wrong
FROM lateness WHERE by_order <> set_aside AND NOT excused
UNION ALL
SELECT seq, 'no valid event of the plan'
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
    """Judges the topic of late events both ways; says how many of those that were planned late came late.

    Where none of them did, nothing was tried: to set nothing aside was right, whatever the pipeline can do.
    """

    name = "late_events"
    describes = "late events that were not set aside, and events that were set aside without being late"
    fit_for = (STREAM,)
    needs: Set[str] = NEEDS

    def measure(self, history: History) -> Measurement:
        """How many events went another way than their partition's order says."""
        derive_lateness(history)
        history.derive("wrongly_late", _WRONG)
        summary = history.rows(_SUMMARY)[0]
        if summary["planned"] and not any(summary[f] for f in ("planned_late", "planned_excused", "wrong")):
            return Unjudged(
                reason=f"none of the {summary['planned']:,} events that were planned to come late did"
            )
        if history.scenario.load.inject.boundary and not summary["wrong"] and (doubt := _untested(history)):
            return Unjudged(reason=doubt)
        return Count(
            value=summary["wrong"],
            detail=_detail(summary),
            examples=examples(history, _EXAMPLES, "event {seq} of the plan: {wrong}".format_map),
        )


def _untested(history: History) -> str:
    """Why the run says nothing of the boundary that its load was to test; "" when it does."""
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
        f" that were planned to; {summary['set_aside']:,} set aside"
    )
    if summary["excused"]:
        detail += f", {summary['excused']:,} of them by a partition that may have been idle"
    return detail
