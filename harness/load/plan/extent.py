"""The duration of a load and the event time that it covers, for which its event clock must leave room.

Loads that compute their events as they are sent have no plan.
"""

from __future__ import annotations

import math
from typing import Final

from harness.load.plan.file import PlanFile
from harness.scenario.model import Load

_FASTEST_PER_S: Final = 10_000_000
"""Events per second beyond any platform on one machine: twice the highest rate ever measured."""


def events_at_most(duration_s: float) -> int:
    """An upper bound on the events that a load sends at full speed."""
    return math.ceil(duration_s * _FASTEST_PER_S)


def load_duration_s(load: Load, plan: PlanFile | None) -> float:
    """Wall-clock time from the load's first event to its last."""
    return load.duration if plan is None else plan.last_send_ms / 1000 / load.time_scale


def event_span_ms(load: Load, plan: PlanFile | None) -> int:
    """The largest event offset that may be sent, including repetitions of the trace."""
    own_ms = round(load.event_span * 1000)
    if plan is None:
        return own_ms
    if load.path == "events":
        return plan.span_ms
    sent = events_at_most(load.duration) if load.curve is None else load.curve.events
    repetitions = -(-sent // (plan.events - plan.counts["closing"]))
    return repetitions * (own_ms + 1)
