"""How long the stream job took after each fault's heal to work off its backlog.

``recovery_time`` measures all signals together, from the injection; this check measures the stream job alone,
from the heal. Both use the same steady band.
"""

from __future__ import annotations

from collections.abc import Set

from harness.history.course import FaultSpan
from harness.history.reader import History
from harness.judge.checks.recovery.recovery_time import recoveries
from harness.judge.measure.check import DistributionCheck
from harness.judge.measure.measurement import Measurement, Unjudged
from harness.judge.measure.needs import STREAM
from harness.judge.measure.protocol import UnderLoad
from harness.judge.measure.stream_signals import stream_delay


class CatchUpTime(DistributionCheck):
    """One value per fault; infinite where the stream job was still behind when the run ended."""

    name = "catch_up_time"
    describes = "from a fault's heal until the stream job is no further behind than in the steady phase"
    unit = "s"
    phases: Set[str] = frozenset({"fault", "recovery"})
    fit_for = (STREAM,)
    needs: Set[str] = frozenset({"samples", "phases", "faults", "run"})
    under_load = UnderLoad.COURSE

    def measure(self, history: History) -> Measurement:
        """The time for each fault; Unjudged when one was not healed, since catching up starts at the heal."""
        if unhealed := [fault.title for fault in history.faults if fault.heal_ns is None]:
            return Unjudged(reason=f"never healed: {', '.join(unhealed)}")
        return recoveries(history, (stream_delay(history),), since_ns=_healed_ns)


def _healed_ns(fault: FaultSpan) -> int:
    return fault.inject_ns if fault.heal_ns is None else fault.heal_ns
