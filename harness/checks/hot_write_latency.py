"""How long the hot writers' batches took."""

from __future__ import annotations

from collections.abc import Set

from harness.checks import timing
from harness.checks.measurement import Measurement
from harness.checks.protocol import DISTRIBUTION
from harness.checks.timing import by_phase
from harness.history.reader import History


class HotWriteLatency:
    """The hot writers time each batch themselves; a batch that a kill cut short is not among them."""

    name = "hot_write_latency"
    describes = "duration of each batch that a hot writer wrote to the hot store"
    unit = "ms"
    aggregates: Set[str] = DISTRIBUTION
    default_thresholds: tuple[str, ...] = ()
    needs: Set[str] = timing.NEEDS | {"hot_writes", "run"}

    def measure(self, history: History) -> Measurement:
        """Durations of the batches."""
        columns = history.columns("SELECT duration_us / 1e3 AS value, at_ns FROM hot_writes")
        return by_phase(history, columns, nothing="the hot writers noted no batch")
