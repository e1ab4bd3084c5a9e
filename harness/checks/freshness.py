"""How old data is when it can first be queried in the hot store.

The hot store is probed for a sample of events and windows; the table ``seen`` holds the first moment at
which each was there. What never came is not in it: ``hot_events_equal_oracle`` and
``hot_windows_equal_oracle`` judge completeness.
"""

from __future__ import annotations

from collections.abc import Set
from typing import Final

from harness.checks.measurement import Measurement, Numbers
from harness.checks.protocol import DISTRIBUTION
from harness.checks.timing import by_phase
from harness.history.reader import History

_EVENTS: Final = """
WITH first_seen AS (
    SELECT event_id, event_time_ms, min(at_ns) AS at_ns FROM seen WHERE store = 'hot_events' GROUP BY ALL
), sent AS (
    SELECT p.event_id, run.origin_ms + p.event_offset_ms AS event_time_ms,
           min(run.load_start_ns + p.send_offset_ms * 1e6 / run.time_scale)::BIGINT AS at_ns
    FROM plan p, run WHERE p.event_id IN (SELECT event_id FROM first_seen) GROUP BY ALL
)
SELECT (first_seen.at_ns - sent.at_ns) / 1e6 AS value, sent.at_ns
FROM first_seen JOIN sent USING (event_id, event_time_ms)
"""

_WINDOWS: Final = """
WITH first_seen AS (
    SELECT event_time_ms - run.origin_ms AS end_offset_ms, min(at_ns) AS at_ns
    FROM seen, run WHERE store = 'hot_windows'
    GROUP BY run.origin_ms, window_kind, key, window_start_ms, event_time_ms
), frontier AS (
    SELECT send_offset_ms, max(event_offset_ms) OVER (ORDER BY send_offset_ms) AS reach_ms FROM plan
), steps AS (
    SELECT reach_ms, min(send_offset_ms) AS send_offset_ms FROM frontier GROUP BY reach_ms
), ready AS (
    SELECT first_seen.at_ns AS seen_ns,
           (run.load_start_ns + steps.send_offset_ms * 1e6 / run.time_scale)::BIGINT AS at_ns
    FROM first_seen ASOF JOIN steps ON first_seen.end_offset_ms <= steps.reach_ms, run
)
SELECT (seen_ns - at_ns) / 1e6 AS value, at_ns FROM ready
"""


class _Freshness:
    unit = "ms"
    aggregates: Set[str] = DISTRIBUTION
    default_thresholds: tuple[str, ...] = ()
    needs: Set[str] = frozenset({"seen", "plan", "phases", "run"})


class FreshnessHot(_Freshness):
    """From the intended send of an event (of the first copy, where it was repeated) to its first sight."""

    name = "freshness_hot"
    describes = "from the intended send of an event to the first time that it could be read in the hot store"

    def measure(self, history: History) -> Measurement:
        """Ages of the events that were probed for."""
        return by_phase(history, event_ages(history), nothing="no event was seen in the hot store")


def event_ages(history: History) -> dict[str, Numbers]:
    """``value``: ms from the intended send of each event to its first sight; ``at_ns``: that send."""
    return history.columns(_EVENTS)


class FreshnessWindows(_Freshness):
    """From the moment at which a window could be complete to the first sight of its result.

    That moment is the intended send of the first event at or past the window's end, for nothing earlier tells
    the platform that event time has come so far. What the platform waits for stragglers counts as its own.
    """

    name = "freshness_windows"
    describes = (
        "from the intended send of the first event at or past a window's end to the first time that the"
        " window's result could be read in the hot store"
    )

    def measure(self, history: History) -> Measurement:
        """Ages of the window results that were probed for."""
        return by_phase(history, window_ages(history), nothing="no window was seen in the hot store")


def window_ages(history: History) -> dict[str, Numbers]:
    """``value``: ms from when each window could be complete to its first sight; ``at_ns``: that moment."""
    return history.columns(_WINDOWS)
