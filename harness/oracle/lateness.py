"""Determines which events are late, by the order of the source topic alone, independently of the pipeline.

The rule: an event is late if its five-minute window had closed by the clock of its partition, that is, the
newest event time of the valid events before it there, less the allowed out-of-orderness. Of an identity that
was sent twice, the first record is judged: the others are dropped as duplicates.

The pipeline may set aside more events. A partition without records for the idle timeout no longer holds back
Flink's watermark, so its next events may be late relative to a watermark that advanced without them. From
outside one cannot see that this happened, only that it was possible, and only then is setting aside excused:
if, by the times of sending and acknowledgement, the partition may have been idle for the timeout, and other
partitions had been sent sufficiently new events by then. Both are evaluated at the first record after the
pause: until the partition's own clock has caught up, the watermark stays where it was then.
"""

from __future__ import annotations

from typing import Final

from harness.history.reader import History
from harness.oracle.events import derive_events, derive_sendings

WINDOW_MS: Final = 300_000
"""The shortest window; an event that is late for it counts as late for the longer ones, too."""

_SECOND_NS: Final = 1_000_000_000
_SKEW_NS: Final = 2 * _SECOND_NS
"""How much later the stream job may read one partition than another."""

_SENT = """
SELECT seq, min(started_ns) AS started_ns, max(completed_ns) AS completed_ns FROM sendings GROUP BY seq
"""
# The times of repeated records are unknown, as the read-back attributes them to the original.
_ARRIVALS = """
SELECT r.partition, r."offset", r.seq, e.event_time_ms, sent.started_ns, sent.completed_ns,
       r.seq >= 0 AND row_number() OVER (PARTITION BY r.seq ORDER BY r.partition, r."offset") = 1 AS first,
       max(e.event_time_ms) OVER earlier AS newest_before_ms
FROM readback_events r LEFT JOIN oracle_events e USING (seq) LEFT JOIN sent USING (seq)
WHERE r.topic = 'events'
WINDOW earlier AS (PARTITION BY r.partition ORDER BY r."offset"
                   ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
"""
_RESUMED = """
WITH job AS (
    -- Without samples, nothing shows that the job was running before the load.
    SELECT coalesce((SELECT min(at_ns) FROM samples WHERE metric = 'job_running'), load_start_ns) AS seen_ns
    FROM run
), paused AS (
    SELECT partition, "offset", completed_ns,
           coalesce(max(started_ns) OVER earlier, seen_ns) AS since_ns
    FROM arrivals, job WHERE first AND started_ns IS NOT NULL
    WINDOW earlier AS (PARTITION BY partition ORDER BY "offset"
                       ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
), newest AS (
    SELECT partition AS other, started_ns,
           max(event_time_ms) OVER (PARTITION BY partition ORDER BY started_ns) AS event_time_ms
    FROM arrivals WHERE first AND started_ns IS NOT NULL AND event_time_ms IS NOT NULL
), lookups AS (
    SELECT p.partition, p."offset", p.completed_ns + $skew_ns AS until_ns, o.other
    FROM paused p JOIN (SELECT DISTINCT partition AS other FROM arrivals) o ON o.other <> p.partition
    WHERE $idle_ns > 0 AND p.completed_ns - p.since_ns >= $idle_ns - $skew_ns
)
SELECT a.partition, a."offset", max(n.event_time_ms) AS event_time_ms
FROM lookups a ASOF JOIN newest n ON n.other = a.other AND a.until_ns >= n.started_ns
GROUP BY a.partition, a."offset"
"""
_LATENESS = """
WITH judged AS (
    SELECT a.seq, a.first, a.newest_before_ms,
           max(r.event_time_ms) OVER (PARTITION BY a.partition ORDER BY a."offset") AS resumed_at_ms
    FROM arrivals a LEFT JOIN resumed r USING (partition, "offset")
), clocks AS (
    SELECT e.seq, e.event_time_ms - e.event_time_ms % $window + $window AS closes_ms,
           coalesce(p.in_late > 0, false) AS set_aside,
           j.newest_before_ms - out_of_orderness_ms AS clock_ms,
           -- An event that the source lost has no place in its order: the newest event of all is the bound.
           CASE WHEN j.seq IS NULL THEN (SELECT max(event_time_ms) FROM oracle_events)
                ELSE j.resumed_at_ms END - out_of_orderness_ms AS watermark_ms
    FROM oracle_events e
    LEFT JOIN oracle_present p USING (seq)
    LEFT JOIN (FROM judged WHERE first) j USING (seq), run
)
SELECT seq, set_aside, clock_ms - closes_ms AS overdue_ms, coalesce(closes_ms <= clock_ms, false) AS by_order,
       set_aside AND NOT by_order AND coalesce(closes_ms <= watermark_ms, false) AS excused
FROM clocks
"""


def derive_lateness(history: History) -> None:
    """Make ``lateness (seq, set_aside, overdue_ms, by_order, excused)``, a row for each of ``oracle_events``.

    ``set_aside``: it is in the topic of late events. ``overdue_ms``: how long before its arrival its window
    had closed by its partition's clock; negative if still open, null if unknown. ``by_order``: it is late by
    the rule. ``excused``: it was set aside without being late by the rule, which an idle partition can
    explain.
    """
    derive_sendings(history)
    derive_events(history)
    history.derive("sent", _SENT)
    history.derive("arrivals", _ARRIVALS)
    idle_ns = round(history.scenario.pipeline.stream.idle_timeout_s * _SECOND_NS)
    history.derive("resumed", _RESUMED, {"idle_ns": idle_ns, "skew_ns": _SKEW_NS})
    history.derive("lateness", _LATENESS, {"window": WINDOW_MS})
