"""Every fault of the schedule was injected and healed, or the run did not test what it says.

A fault's own word is not enough: a kill must show as an end of each target's process, which the supervisor
notes, and a pause in what the kernel says of the processes after the injection and before the heal.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping, Set
from typing import Final

from harness.faults.protocol import Evidence
from harness.faults.registry import FAULTS
from harness.history.course import FOREVER_NS, FaultSpan
from harness.history.reader import History
from harness.judge.measure.measurement import Count, Measurement, Unjudged
from harness.judge.measure.protocol import COUNT, NEVER


class FaultsCarriedOut:
    """Never FAIL: that a fault could not be carried out is the harness's affair and proves nothing."""

    name = "faults_carried_out"
    describes = "faults of the schedule that were not injected or not healed"
    unit = ""
    aggregates: Set[str] = COUNT
    default_thresholds = NEVER
    needs: Set[str] = frozenset({"faults", "ends", "run"})

    def measure(self, history: History) -> Measurement:
        """None, or which faults were not carried out."""
        injected = {fault.number: (fault.kind, fault.nodes) for fault in history.faults}
        wrong = [
            f"{planned.kind} {', '.join(planned.targets)} was not injected"
            for number, planned in enumerate(history.scenario.faults)
            if injected.get(number) != (planned.kind, planned.targets)
        ]
        for fault in history.faults:
            wrong += fault.problems
            if fault.heal_ns is None:
                wrong.append(f"{fault.title} was not healed")
            elif not fault.problems:
                wrong += _without_evidence(history, fault)
        if wrong:
            return Unjudged(reason="; ".join(wrong))
        return Count(value=0, detail=f"of {len(history.scenario.faults)} faults")


def _without_evidence(history: History, fault: FaultSpan) -> Iterator[str]:
    known = FAULTS.get(fault.kind)
    if known is None:
        yield f"{fault.title}: it is not known what a fault of this kind leaves"
        return
    shown, lacking = _EVIDENCE[known.shows]
    if unseen := [node for node in fault.nodes if not shown(history, fault, node)]:
        yield f"{fault.title}: the record {lacking.format(nodes=', '.join(unseen))}"


def _ended(history: History, fault: FaultSpan, node: str) -> bool:
    until_ns = FOREVER_NS if fault.heal_ns is None else fault.heal_ns
    return any(
        end.node == node and end.exit == -signal.SIGKILL and fault.inject_ns <= end.at_ns <= until_ns
        for end in history.ends
    )


def _stood_still(history: History, fault: FaultSpan, node: str) -> bool:
    """What stood still may have been killed meanwhile, by another fault or the kernel: it did no more."""
    injected, *later = [look.get(node) for look in fault.looks] or [None]
    return injected == "paused" and bool(later) and all(state in {"paused", "ended"} for state in later)


_EVIDENCE: Final[Mapping[Evidence, tuple[Callable[[History, FaultSpan, str], bool], str]]] = {
    "killed": (_ended, "has no end by SIGKILL of {nodes} before the heal"),
    "paused": (_stood_still, "does not show that {nodes} stood still until the heal"),
}
