"""The expected window results, computed from the plan and the order of the source topic.

Windows are half-open, [start, end), and aligned to 1970. An event counts in every window that covers its
event time, or in none if it is late by the source topic's order or was set aside with an excuse
(harness/oracle/lateness.py). Two events of an entity are in one session if at most the gap separates them: a
gap of exactly 30 minutes still joins, because Flink merges windows that touch (``TimeWindow.intersects``).
"""

from __future__ import annotations

from typing import Final

from harness.history.reader import History
from harness.oracle.events import derive_events
from harness.oracle.lateness import WINDOW_MS, derive_lateness

MINUTE_MS: Final = 60_000
TUMBLING_MS: Final = WINDOW_MS
HOPPING_MS: Final = 15 * MINUTE_MS
HOP_MS: Final = 5 * MINUTE_MS
SESSION_GAP_MS: Final = 30 * MINUTE_MS

SCALE: Final = 2.0**-60
"""Applied to values before summing, so that no sum overflows."""

_CLOSED_UNTIL: Final = """
SELECT min(event_time_ms) - any_value(out_of_orderness_ms) FROM oracle_events, run WHERE kind = 'closing'
"""
_AGGREGATES = """
    count(*) AS events, count(value) AS measured, sum(value) AS value_sum,
    min(value) AS value_min, max(value) AS value_max,
    coalesce(sum(value * $scale), 0) AS scaled_sum, coalesce(sum(abs(value * $scale)), 0) AS scaled_magnitude
"""

_WINDOWS: Final = f"""
WITH counted AS (
    SELECT * FROM oracle_events ANTI JOIN (FROM lateness WHERE by_order OR excused) USING (seq)
),
tumbling AS (
    SELECT 'tumbling' AS window_kind, category AS key,
           event_time_ms - event_time_ms % $tumbling AS window_start_ms,
           event_time_ms - event_time_ms % $tumbling + $tumbling AS window_end_ms, {_AGGREGATES}
    FROM counted GROUP BY ALL
),
hopping AS (
    SELECT 'hopping' AS window_kind, category AS key,
           event_time_ms - event_time_ms % $hop - hops.n * $hop AS window_start_ms,
           event_time_ms - event_time_ms % $hop - hops.n * $hop + $hopping AS window_end_ms, {_AGGREGATES}
    FROM counted, range($hopping // $hop) AS hops(n) GROUP BY ALL
),
gaps AS (
    SELECT *, event_time_ms - lag(event_time_ms) OVER entity AS gap_ms
    FROM counted WINDOW entity AS (PARTITION BY entity_id ORDER BY event_time_ms)
),
numbered AS (
    SELECT *, count(*) FILTER (gap_ms > $gap)
                  OVER (PARTITION BY entity_id ORDER BY event_time_ms RANGE UNBOUNDED PRECEDING) AS session
    FROM gaps
),
sessions AS (
    SELECT 'session' AS window_kind, entity_id AS key, min(event_time_ms) AS window_start_ms,
           max(event_time_ms) + $gap AS window_end_ms, {_AGGREGATES}
    FROM numbered GROUP BY entity_id, session
)
FROM tumbling UNION ALL BY NAME FROM hopping UNION ALL BY NAME FROM sessions
"""  # noqa: S608 -- the aggregates are constants


def derive_windows(history: History) -> None:
    """Make ``oracle_windows``: every window with an event, closed or not.

    Its columns are those of the history's window tables, and two sums scaled by ``SCALE``, which are finite
    even if ``value_sum`` overflows: ``scaled_sum`` of the values, and ``scaled_magnitude`` of their
    magnitudes, which bounds the difference between two orders of summation.
    """
    derive_lateness(history)
    history.derive("oracle_windows", _WINDOWS, _LENGTHS)


def closed_until_ms(history: History) -> int | None:
    """Return the event time until which every window must have closed; None without closing events.

    Each partition's watermark reaches its newest event less the allowed out-of-orderness, and each partition
    gets closing events that are newer than all others. The oldest of those that were acknowledged or found
    decides: results of windows that end later are optional.
    """
    derive_events(history)
    horizon: int | None = history.value(_CLOSED_UNTIL)
    return horizon


_LENGTHS: Final = {
    "tumbling": TUMBLING_MS,
    "hopping": HOPPING_MS,
    "hop": HOP_MS,
    "gap": SESSION_GAP_MS,
    "scale": SCALE,
}
