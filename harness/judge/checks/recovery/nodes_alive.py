"""Only faults may kill processes: replicas hide a death, and the next one would be an outage."""

from __future__ import annotations

from collections.abc import Set
from typing import Final

from harness.base.errors import how_ended
from harness.history.course import FOREVER_NS, EndLine
from harness.history.reader import History
from harness.judge.measure.check import SafetyCheck
from harness.judge.measure.finding import MAX_EXAMPLES
from harness.judge.measure.measurement import Count, Measurement, Unjudged
from harness.scenario.lake_steps import PROCESS

OF_LOAD: Final = frozenset({"load", "readers"})
"""The processes of the load."""


class NodesAlive(SafetyCheck):
    """A fault excuses deaths of its targets until it is healed; everything else must live to the end."""

    name = "nodes_alive"
    describes = "deaths of nodes and of the pipeline's processes that no fault caused"
    needs: Set[str] = frozenset({"run", "ends", "faults"})

    def __init__(self, probes: Set[str]) -> None:
        """``probes``: the processes that observe the platform from outside."""
        self.of_harness = OF_LOAD | probes
        """The harness's own processes, whose deaths prove nothing about the platform."""

    def measure(self, history: History) -> Measurement:
        """The deaths, with their time and manner; Unjudged when only the harness's own processes died."""
        deaths = [end for end in history.ends if not _is_done(end) and not _excused(history, end)]
        of_platform = [_describe(history, end) for end in deaths if end.node not in self.of_harness]
        if deaths and not of_platform:
            return Unjudged(reason="; ".join(_describe(history, end) for end in deaths))
        excused = len(history.ends) - len(deaths)
        return Count(
            value=len(of_platform),
            examples=tuple(of_platform[:MAX_EXAMPLES]),
            detail=f"{excused} other ends of processes: by faults, or after finishing their work",
        )


def _is_done(end: EndLine) -> bool:
    return end.exit == 0 and (end.node in OF_LOAD or end.node.startswith(PROCESS))


def _excused(history: History, end: EndLine) -> bool:
    return any(
        end.node in fault.nodes
        and fault.inject_ns <= end.at_ns <= (FOREVER_NS if fault.heal_ns is None else fault.heal_ns)
        for fault in history.faults
    )


def _describe(history: History, end: EndLine) -> str:
    start_ns = history.info.load_start_ns if history.info else 0
    return f"{end.node} ended {how_ended(end.exit)} at {(end.at_ns - start_ns) / 1e9:.1f} s"
