"""Whether the load kept its rate: events sent in any ten seconds compared with those due."""

from __future__ import annotations

from collections.abc import Set
from typing import Final

import numpy as np

from harness.history.reader import History
from harness.judge.measure import timing
from harness.judge.measure.check import DistributionCheck
from harness.judge.measure.measurement import Measurement, Numbers, Unjudged
from harness.judge.measure.needs import EVENTS, INTENDED_MOMENTS, RECORD_BATCHES, lasting
from harness.judge.measure.protocol import UnderLoad
from harness.judge.measure.timing import by_phase
from harness.scenario.phases import SENDING_PHASES

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
    """One value for each (overlapping) ten seconds that begin at a full second of the load.

    What the plan has due is the profile plus what was mixed in. A range of operations counts where
    its first event was sent.
    """

    name = "rate_accuracy"
    describes = "by how much the events sent in any 10 s of the load differ from those that were due in them"
    unit = "%"
    phases = SENDING_PHASES
    fit_for = (EVENTS, INTENDED_MOMENTS, lasting(WINDOW_S))
    needs: Set[str] = timing.NEEDS | {"operations", "plan", "run"}
    under_load = UnderLoad.LOADS_OWN

    def measure(self, history: History) -> Measurement:
        """Return the deviations of all windows that end before the load does."""
        planned = history.columns(_DUE)
        return _measured(history, _by_second(planned, int(planned["second"].max(initial=0))))


class RateAccuracyOfRecordBatches(RateAccuracy):
    """The same for whole batches: the profile alone determines what is due."""

    fit_for = (RECORD_BATCHES, INTENDED_MOMENTS, lasting(WINDOW_S))
    needs: Set[str] = timing.NEEDS | {"operations", "run"}

    def measure(self, history: History) -> Measurement:
        """Return the deviations. Event k is due when the integral reaches k + 0.5."""
        load = history.scenario.load
        if load.curve is None:
            return Unjudged(
                reason="the load was sent as fast as the platform took it: no event had a due time"
            )
        until = [load.curve.area_until(second) for second in range(int(load.duration) + 1)]
        return _measured(history, np.diff(np.floor(np.array(until) + 0.5)))


def _measured(history: History, due: Numbers) -> Measurement:
    """Compare with ``due`` by second. The last second, which may be partial, is left out."""
    sent = _by_second(history.columns(_SENT), len(due))
    deviations = deviations_percent(due, sent, window=WINDOW_S)
    start_ns = 0 if history.info is None else history.info.load_start_ns
    at_ns = start_ns + np.arange(len(deviations)) * _SECOND_NS
    columns = {"value": deviations, "at_ns": at_ns, "end_ns": at_ns + WINDOW_S * _SECOND_NS}
    return by_phase(history, columns, nothing=f"the load lasted less than {WINDOW_S} s")


def deviations_percent(due: Numbers, sent: Numbers, *, window: int) -> Numbers:
    """The difference in percent of what was due, for every ``window`` consecutive slots (overlapping).

    ``due`` and ``sent`` are events by slot, of the same length. Where nothing was due, each event sent counts
    as 100 %.
    """
    due_in, sent_in = _in_windows(due, window), _in_windows(sent, window)
    deviations: Numbers = 100 * np.abs(sent_in - due_in) / np.maximum(due_in, 1)
    return deviations


def _in_windows(events: Numbers, window: int) -> Numbers:
    until = np.concatenate([[0.0], np.cumsum(events)])
    windows: Numbers = until[window:] - until[:-window]
    return windows


def _by_second(counted: dict[str, Numbers], seconds: int) -> Numbers:
    """Return the events in each of the first ``seconds`` seconds."""
    second, events = counted["second"], counted["events"]
    known = (second >= 0) & (second < seconds)
    by_second: Numbers = np.bincount(second[known], weights=events[known], minlength=seconds)
    return by_second
