"""Every fault of the schedule was injected and healed; otherwise the run did not test what it claims.

A fault's own report is not enough. A kill must show as an end of each target's process, recorded by the
supervisor; a pause in the state of the processes that the kernel reports after the injection and before the
heal. Each kind of fault defines its evidence (harness/faults/).
"""

from __future__ import annotations

from collections.abc import Iterator, Set

from harness.faults.registry import FAULTS
from harness.history.course import FaultSpan
from harness.history.reader import History
from harness.judge.measure.check import SafetyCheck
from harness.judge.measure.measurement import Count, Measurement, Unjudged
from harness.scenario.faults import FaultSpec, node_names, targets_of


class FaultsCarriedOut(SafetyCheck):
    """Never FAIL: a fault that was not injected or healed is the harness's failure and proves nothing."""

    name = "faults_carried_out"
    describes = "faults of the schedule that were not injected or not healed"
    needs: Set[str] = frozenset({"faults", "ends", "run"})

    def measure(self, history: History) -> Measurement:
        """Zero; Unjudged, with the faults concerned, when any was not injected, healed or evidenced."""
        injected = {fault.number: fault for fault in history.faults}
        wrong: list[str] = []
        for number, planned in enumerate(history.scenario.faults):
            wrong += _not_as_planned(history, planned, injected.get(number))
        for fault in history.faults:
            wrong += fault.problems
            if fault.heal_ns is None:
                wrong.append(f"{fault.title} was not healed")
            elif not fault.problems:
                wrong += _without_evidence(history, fault)
        if wrong:
            return Unjudged(reason="; ".join(wrong))
        return Count(value=0, detail=f"of {len(history.scenario.faults)} faults")


def _not_as_planned(history: History, planned: FaultSpec, injected: FaultSpan | None) -> Iterator[str]:
    nodes = node_names(targets_of(planned, history.scenario.topology))
    if not nodes:
        yield f"{planned.kind} has no targets"
    elif injected is None or (injected.kind, injected.nodes) != (planned.kind, nodes):
        yield f"{planned.kind} {', '.join(nodes)} was not injected"
    elif injected.parameters != planned.parameters:
        yield f"{injected.title} was injected with {injected.parameters}, not with {planned.parameters}"


def _without_evidence(history: History, fault: FaultSpan) -> Iterator[str]:
    known = FAULTS.get(fault.kind)
    if known is None:
        yield f"{fault.title}: no evidence is defined for faults of this kind"
        return
    if unseen := [node for node in fault.nodes if not known.shows.shown(fault, history.ends, node)]:
        yield f"{fault.title}: the record {known.shows.lacking.format(nodes=', '.join(unseen))}"
