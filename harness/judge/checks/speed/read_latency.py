"""Response times of the readers beside the load.

A read that failed or has no known outcome counts as slower than any limit.
"""

from __future__ import annotations

from collections.abc import Set
from typing import Final

import numpy as np

from harness.history.reader import History
from harness.judge.measure import timing
from harness.judge.measure.check import DistributionCheck
from harness.judge.measure.measurement import Measurement
from harness.judge.measure.needs import STREAM, readers
from harness.judge.measure.protocol import UnderLoad
from harness.judge.measure.timing import by_phase
from harness.scenario.phases import SENDING_PHASES

_READS: Final = """
SELECT CASE WHEN outcome = 'ok' THEN (completed_ns - intended_ns) / 1e6 ELSE 'inf'::DOUBLE END AS value,
       intended_ns AS at_ns, outcome = 'ok' AND bytes = 0 AS empty
FROM operations WHERE kind = $kind
"""


class _ReadLatency(DistributionCheck):
    operation: str
    unit = "ms"
    phases = SENDING_PHASES
    needs: Set[str] = timing.NEEDS | {"operations"}
    under_load = UnderLoad.PRESSURE

    def measure(self, history: History) -> Measurement:
        """Return the times from intended start to answer; infinite for reads that failed."""
        columns = history.columns(_READS, {"kind": self.operation})
        failed, empty = int(np.isinf(columns["value"]).sum()), int(columns["empty"].sum())
        notes = [f"{failed:,} failed; each counts as slower than any limit"] if failed else []
        notes += [f"{empty:,} found nothing yet"] if empty else []
        return by_phase(
            history,
            columns,
            nothing=f"the history has no {self.operation} operations",
            detail="; ".join(notes),
        )


class HotPointReadLatency(_ReadLatency):
    """Response times of ``hot_point`` readers."""

    name = "hot_point_read_latency"
    describes = "response time of readers that read one event of the hot store, from the intended start"
    fit_for = (STREAM, readers("hot_point"))
    operation = "hot_point_read"


class HotRangeReadLatency(_ReadLatency):
    """Response times of ``hot_range`` readers."""

    name = "hot_range_read_latency"
    describes = "response time of readers that read an entity's latest events, from the intended start"
    fit_for = (STREAM, readers("hot_range"))
    operation = "hot_range_read"
