"""Latencies of the operations that the load recorded, from the intended start of each.

An operation that did not succeed has no response time: it counts as slower than any limit, so that failing
fast never looks like being fast.
"""

from __future__ import annotations

from collections.abc import Set
from typing import Final

import numpy as np

from harness.history.reader import History
from harness.judge.measure import timing
from harness.judge.measure.check import DistributionCheck
from harness.judge.measure.measurement import Measurement, Unjudged
from harness.judge.measure.needs import INTENDED_MOMENTS, STREAM
from harness.judge.measure.protocol import UnderLoad
from harness.judge.measure.timing import by_phase
from harness.scenario.phases import SENDING_PHASES

_RESPONSES: Final = """
SELECT CASE WHEN outcome = 'ok' THEN (completed_ns - intended_ns) / 1e6 ELSE 'inf'::DOUBLE END AS value,
       intended_ns AS at_ns, count AS weight
FROM operations WHERE kind = $kind AND count > 0
"""
_SCHEDULE: Final = """
SELECT (started_ns - intended_ns) / 1e6 AS value, intended_ns AS at_ns, count AS weight
FROM operations WHERE kind = 'produce' AND count > 0
"""
_NOTHING_INTENDED: Final = Unjudged(
    reason="a load that sends as fast as the platform takes it has no intended send times:"
    " its latency would be that of a closed loop"
)


class _Latency(DistributionCheck):
    unit = "ms"
    needs: Set[str] = timing.NEEDS | {"operations"}
    under_load = UnderLoad.FROM_INTENDED


class ProduceLatency(_Latency):
    """From the intended send of a batch's first event to the batch's acknowledgement, once per event."""

    name = "produce_latency"
    describes = "response time of sending: from the intended send to the acknowledgement, per event"

    phases = SENDING_PHASES
    fit_for = (INTENDED_MOMENTS,)

    def measure(self, history: History) -> Measurement:
        """Return response times; infinite for events that were not acknowledged."""
        if history.scenario.load.is_flood:
            return _NOTHING_INTENDED
        return _responses(history, "produce", of="events were not acknowledged")


class HotReadLatency(_Latency):
    """From the intended start of a read of the hot store to its answer."""

    name = "hot_read_latency"
    describes = "response time of reads of the hot store, from the intended start"
    fit_for = (STREAM,)
    under_load = UnderLoad.PRESSURE

    def measure(self, history: History) -> Measurement:
        """Return response times; infinite for reads that failed."""
        return _responses(history, "hot_read", of="reads failed")


class LoadOnSchedule(_Latency):
    """How late the load itself was: a harness that cannot keep its own schedule measures itself."""

    name = "load_on_schedule"
    describes = "how long after the intended moment the load began to send, per event"

    phases = SENDING_PHASES
    fit_for = (INTENDED_MOMENTS,)

    def measure(self, history: History) -> Measurement:
        """Return the load's own delays."""
        if history.scenario.load.is_flood:
            return _NOTHING_INTENDED
        return by_phase(history, history.columns(_SCHEDULE), nothing="no events were sent")


def _responses(history: History, kind: str, *, of: str) -> Measurement:
    columns = history.columns(_RESPONSES, {"kind": kind})
    failed = int(columns["weight"][np.isinf(columns["value"])].sum())
    return by_phase(
        history,
        columns,
        nothing=f"the history has no {kind} operations",
        detail=f"{failed:,} {of}; each counts as slower than any limit" if failed else "",
    )
