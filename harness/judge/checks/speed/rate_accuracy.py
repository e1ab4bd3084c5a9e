"""Whether the load kept its rate: what was sent in any ten seconds, beside what was due in them."""

from __future__ import annotations

from collections.abc import Set
from typing import Final

import numpy as np

from harness.history.reader import History
from harness.judge.measure import timing
from harness.judge.measure.check import DistributionCheck
from harness.judge.measure.deviation import deviations_percent
from harness.judge.measure.measurement import Measurement, Numbers, Unjudged
from harness.judge.measure.needs import EVENTS, INTENDED_MOMENTS, RECORD_BATCHES, lasting
from harness.judge.measure.protocol import UnderLoad
from harness.judge.measure.timing import by_phase
from harness.scenario.phases import WHILE_IT_FLOWS

WINDOW_S: Final = 10
_SECOND_NS: Final = 1_000_000_000
_DUE: Final = """
SELECT floor(send_offset_ms / 1000 / time_scale)::BIGINT AS second, count(*) AS events
FROM plan, run GROUP BY ALL
"""
_SENT: Final = """
SELECT (started_ns - load_start_ns) // 1_000_000_000 AS second, sum(count)::BIGINT AS events
FROM operations, run WHERE kind = 'produce' AND count > 0 GROUP BY ALL
"""


class RateAccuracy(DistributionCheck):
    """One value for the ten seconds that begin at each full second of the load, however they overlap.

    What the plan has due is what the profile says, with what was mixed in. A range of operations counts where
    its first event was sent.
    """

    name = "rate_accuracy"
    describes = "by how much the events sent in any 10 s of the load differ from those that were due in them"
    unit = "%"
    phases = WHILE_IT_FLOWS
    fit_for = (EVENTS, INTENDED_MOMENTS, lasting(WINDOW_S))
    needs: Set[str] = timing.NEEDS | {"operations", "plan", "run"}
    under_load = UnderLoad.LOADS_OWN

    def measure(self, history: History) -> Measurement:
        """Deviations by window, from the first to the last that ends before the load does."""
        planned = history.columns(_DUE)
        return _measured(history, _by_second(planned, int(planned["second"].max(initial=0))))


class RateAccuracyOfRecordBatches(RateAccuracy):
    """The same where whole batches are sent: what is due the profile alone says."""

    fit_for = (RECORD_BATCHES, INTENDED_MOMENTS, lasting(WINDOW_S))
    needs: Set[str] = timing.NEEDS | {"operations", "run"}

    def measure(self, history: History) -> Measurement:
        """As of a plan. Event k is due when the integral reaches k + 0.5."""
        load = history.scenario.load
        if load.curve is None:
            return Unjudged(reason="the load was sent as fast as it was taken: nothing was due at any moment")
        until = [load.curve.area_until(second) for second in range(int(load.duration) + 1)]
        return _measured(history, np.diff(np.floor(np.array(until) + 0.5)))


def _measured(history: History, due: Numbers) -> Measurement:
    """``due`` by second. The last second, which may not be a full one, is left out."""
    sent = _by_second(history.columns(_SENT), len(due))
    deviations = deviations_percent(due, sent, window=WINDOW_S)
    start_ns = 0 if history.info is None else history.info.load_start_ns
    at_ns = start_ns + np.arange(len(deviations)) * _SECOND_NS
    columns = {"value": deviations, "at_ns": at_ns, "end_ns": at_ns + WINDOW_S * _SECOND_NS}
    return by_phase(history, columns, nothing=f"the load took less than {WINDOW_S} s")


def _by_second(counted: dict[str, Numbers], seconds: int) -> Numbers:
    """Events in each of the first so many seconds."""
    second, events = counted["second"], counted["events"]
    known = (second >= 0) & (second < seconds)
    by_second: Numbers = np.bincount(second[known], weights=events[known], minlength=seconds)
    return by_second
