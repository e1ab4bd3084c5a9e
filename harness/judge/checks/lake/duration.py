"""How long the lake's tasks take."""

from __future__ import annotations

from collections.abc import Set
from typing import Final

from harness.history.reader import History
from harness.judge.measure import timing
from harness.judge.measure.check import DistributionCheck
from harness.judge.measure.measurement import Measurement
from harness.judge.measure.needs import LAKE
from harness.judge.measure.timing import by_phase

_TASKS: Final = """
SELECT (ended_ns - began_ns) / 1e9 AS value, began_ns AS at_ns, ended_ns AS end_ns
FROM lake_tasks WHERE outcome <> 'held_back'
"""


class LakeDuration(DistributionCheck):
    """One value each time that a task was carried out, by the monotonic clock; none of what was held back."""

    name = "lake_duration"
    describes = "how long each task of the lake took, landing and each layer's day"
    unit = "s"
    phases: Set[str] = frozenset({"lake"})
    fit_for = (LAKE,)
    needs: Set[str] = timing.NEEDS | {"lake_tasks", "run"}

    def measure(self, history: History) -> Measurement:
        """Seconds a task."""
        return by_phase(history, history.columns(_TASKS), nothing="the lake carried out no task")
