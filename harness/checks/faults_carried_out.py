"""Every fault of the schedule was injected and healed, or the run did not test what it says."""

from __future__ import annotations

from collections.abc import Set

from harness.checks.measurement import Count, Measurement, Unjudged
from harness.checks.protocol import COUNT, NEVER
from harness.history.reader import History


class FaultsCarriedOut:
    """Never FAIL: that a fault could not be carried out is the harness's affair and proves nothing."""

    name = "faults_carried_out"
    describes = "faults of the schedule that were not injected or not healed"
    unit = ""
    aggregates: Set[str] = COUNT
    default_thresholds = NEVER
    needs: Set[str] = frozenset({"faults", "run"})

    def measure(self, history: History) -> Measurement:
        """None, or which faults were not carried out."""
        carried_out = {fault.number: fault for fault in history.faults}
        wrong = [
            f"{planned.kind} {', '.join(planned.targets)} was not injected"
            for number, planned in enumerate(history.scenario.faults)
            if number not in carried_out
        ]
        for fault in history.faults:
            wrong += fault.problems
            if fault.heal_ns is None:
                wrong.append(f"{fault.title} was not healed")
        if wrong:
            return Unjudged(reason="; ".join(wrong))
        return Count(value=0, detail=f"of {len(history.scenario.faults)} faults")
