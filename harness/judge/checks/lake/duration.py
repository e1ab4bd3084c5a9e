"""The duration of the lake's tasks."""

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
    """One value per task execution, by the monotonic clock; none for a task that was held back."""

    name = "lake_duration"
    describes = "duration of each lake task: landing, and each layer's day"
    unit = "s"
    phases: Set[str] = frozenset({"lake"})
    fit_for = (LAKE,)
    needs: Set[str] = timing.NEEDS | {"lake_tasks", "run"}

    def measure(self, history: History) -> Measurement:
        """The duration of each task, in seconds."""
        return by_phase(history, history.columns(_TASKS), nothing="the lake ran no task")
