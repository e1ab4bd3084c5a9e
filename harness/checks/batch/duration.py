"""How long the batch layer's tasks take."""

from __future__ import annotations

from collections.abc import Set
from typing import Final

from harness.checks import timing
from harness.checks.measurement import Measurement
from harness.checks.protocol import DISTRIBUTION
from harness.checks.timing import by_phase
from harness.history.reader import History

_TASKS: Final = """
SELECT (ended_ns - began_ns) / 1e9 AS value, began_ns AS at_ns, ended_ns AS end_ns
FROM batch_tasks WHERE outcome <> 'held_back'
"""


class BatchDuration:
    """One value each time that a task was carried out, by the monotonic clock; none of what was held back."""

    name = "batch_duration"
    describes = "how long each task of the batch layer took, landing and each layer's day"
    unit = "s"
    aggregates: Set[str] = DISTRIBUTION
    default_thresholds: tuple[str, ...] = ()
    needs: Set[str] = timing.NEEDS | {"batch_tasks", "run"}

    def measure(self, history: History) -> Measurement:
        """Seconds a task."""
        return by_phase(history, history.columns(_TASKS), nothing="the batch layer carried out no task")
