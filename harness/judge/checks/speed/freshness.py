"""How old data is when it can first be queried in the hot store.

The prober records what it will look for (``sought``) and when each item first appeared (``seen``). What was
due and never appeared is infinitely old: judging only survivors would make a platform that loses slow data
look fast. An event is due once acknowledged, a window once the stream job emitted it;
``windows_equal_oracle`` reports those never emitted.
"""

from __future__ import annotations

from collections.abc import Set
from typing import Final

import numpy as np

from harness.history.reader import History
from harness.judge.measure import timing
from harness.judge.measure.check import DistributionCheck
from harness.judge.measure.hot_ages import event_ages, probe_doubt
from harness.judge.measure.measurement import Measurement, Numbers, Unjudged
from harness.judge.measure.needs import STREAM
from harness.judge.measure.probing import HOLE_NS, probe_times_ns
from harness.judge.measure.protocol import UnderLoad
from harness.judge.measure.timing import by_phase
from harness.scenario.phases import SENDING_PHASES

_WINDOWS: Final = """
WITH first_seen AS (
    SELECT window_kind, key, window_start_ms, event_time_ms AS window_end_ms, min(at_ns) AS at_ns
    FROM seen WHERE store = 'hot_windows' GROUP BY ALL
), emitted AS (
    SELECT window_kind, key, window_start_ms, window_end_ms FROM readback_windows
    SEMI JOIN (FROM sought WHERE store = 'hot_windows') USING (window_kind, key)
), due AS (
    SELECT window_kind, key, window_start_ms, window_end_ms FROM first_seen UNION FROM emitted
)
SELECT window_end_ms - run.origin_ms AS end_offset_ms, at_ns AS seen_ns
FROM run, due LEFT JOIN first_seen USING (window_kind, key, window_start_ms, window_end_ms)
"""
_SENT: Final = """
SELECT event_offset_ms, (run.load_start_ns + send_offset_ms * 1e6 / run.time_scale)::BIGINT AS at_ns
FROM plan, run ORDER BY send_offset_ms
"""


class _Freshness(DistributionCheck):
    unit = "ms"
    phases = SENDING_PHASES
    fit_for = (STREAM,)
    needs: Set[str] = timing.NEEDS | {"sought", "seen", "operations", "plan", "run"}
    under_load = UnderLoad.FROM_INTENDED


class FreshnessHot(_Freshness):
    """From the intended send of an event (its first copy, if repeated) to its first sight."""

    name = "freshness_hot"
    describes = "from the intended send of an event to the first time that it could be read in the hot store"

    def measure(self, history: History) -> Measurement:
        """Return the ages of the probed events."""
        return _judged(history, event_ages(history), nothing="no event was seen in the hot store")


class FreshnessWindows(_Freshness):
    """From the moment at which a window could be complete to the first sight of its result.

    That moment is the intended send of the first event at or past the window's end, since nothing earlier
    shows that event time has come so far. Time spent waiting for stragglers counts as the platform's own.
    """

    name = "freshness_windows"
    describes = (
        "from the intended send of the first event at or past a window's end to the first time that the"
        " window's result could be read in the hot store"
    )

    def measure(self, history: History) -> Measurement:
        """Return the ages of the probed window results."""
        absent = history.missing if history.read_back_done else frozenset[str]()
        if "readback_windows" in absent | history.damaged:
            return Unjudged(reason="the record of emitted windows cannot be read")
        return _judged(history, window_ages(history), nothing="no window was seen in the hot store")


def window_ages(history: History) -> dict[str, Numbers]:
    """Return ``value``, the ms from when each window could be complete to its first sight, and ``at_ns``.

    A window that was emitted and never seen is infinitely old, unless it may have been there at the first
    probe, which reveals no age. What was emitted is known only at the end of a run.
    """
    return history.once("window_ages", lambda: _window_ages(history))


def _window_ages(history: History) -> dict[str, Numbers]:
    looks = probe_times_ns(history)
    primed_ns = (int(looks[0]) if len(looks) else 0) + HOLE_NS
    windows, sent = history.columns(_WINDOWS), history.columns(_SENT)
    reach_ms = np.maximum.accumulate(sent["event_offset_ms"])
    completing = np.searchsorted(reach_ms, windows["end_offset_ms"])
    seen_ns = windows["seen_ns"].astype(np.float64)  # NaN for what was never seen
    at_ns = np.append(sent["at_ns"], 0)[completing]
    kept = (completing < len(reach_ms)) & (~np.isnan(seen_ns) | (at_ns > primed_ns))
    ages_ms = np.where(np.isnan(seen_ns), np.inf, (seen_ns - at_ns) / 1e6)
    return {"value": ages_ms[kept], "at_ns": at_ns[kept]}


def _judged(history: History, ages: dict[str, Numbers], *, nothing: str) -> Measurement:
    if why := probe_doubt(history, ages):
        return Unjudged(reason=why)
    never = int(np.isinf(ages["value"]).sum())
    detail = f"{never:,} of {len(ages['value']):,} never came" if never else ""
    return by_phase(history, ages, nothing=nothing, detail=detail)
