"""Whether the load kept its rate: what was sent in any ten seconds, beside what was due in them."""

from __future__ import annotations

from collections.abc import Set
from typing import Final

import numpy as np

from harness.checks.measurement import Measurement, Numbers
from harness.checks.protocol import DISTRIBUTION
from harness.checks.timing import by_phase
from harness.history.reader import History

_WINDOW_S: Final = 10
_SECOND_NS: Final = 1_000_000_000
_DUE: Final = """
SELECT floor(send_offset_ms / 1000 / time_scale)::BIGINT AS second, count(*) AS events
FROM plan, run GROUP BY ALL
"""
_SENT: Final = """
SELECT (started_ns - load_start_ns) // 1_000_000_000 AS second, sum(count)::BIGINT AS events
FROM operations, run WHERE kind = 'produce' AND count > 0 GROUP BY ALL
"""


class RateAccuracy:
    """One value for the ten seconds that begin at each full second of the load, however they overlap.

    What the plan has due is what the profile says, with what was mixed in. A range of operations counts where
    its first event was sent. In a window in which nothing was due, each event sent is a hundred percent.
    """

    name = "rate_accuracy"
    describes = "by how much the events sent in any 10 s of the load differ from those that were due in them"
    unit = "%"
    aggregates: Set[str] = DISTRIBUTION
    default_thresholds: tuple[str, ...] = ()
    needs: Set[str] = frozenset({"operations", "phases", "plan", "run"})

    def measure(self, history: History) -> Measurement:
        """Deviations by window, from the first to the last that ends before the plan does."""
        due, sent = history.columns(_DUE), history.columns(_SENT)
        last = int(due["second"].max(initial=0))
        due_in, sent_in = _windows(due, last), _windows(sent, last)
        start_ns = 0 if history.info is None else history.info.load_start_ns
        at_ns = start_ns + np.arange(len(due_in)) * _SECOND_NS
        columns = {
            "value": 100 * np.abs(sent_in - due_in) / np.maximum(due_in, 1),
            "at_ns": at_ns,
            "end_ns": at_ns + _WINDOW_S * _SECOND_NS,
        }
        return by_phase(history, columns, nothing=f"the load took less than {_WINDOW_S} s")


def _windows(counted: dict[str, Numbers], last: int) -> Numbers:
    """Events in each ten of the seconds before ``last``, which may not be a full one."""
    seconds, events = counted["second"], counted["events"]
    known = (seconds >= 0) & (seconds < last)
    by_second = np.bincount(seconds[known], weights=events[known], minlength=last)
    until = np.concatenate([[0.0], np.cumsum(by_second)])
    windows: Numbers = until[_WINDOW_S:] - until[:-_WINDOW_S]
    return windows
