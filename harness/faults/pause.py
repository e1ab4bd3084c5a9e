"""Pause: the node stops answering but keeps its connections, as in a long garbage collection."""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import ClassVar, Final, Literal

from harness.backends.protocol import Capability
from harness.backends.targets import Targets
from harness.faults.protocol import Evidence, Fault
from harness.history.course import EndLine, FaultSpan
from harness.scenario.faults import Target, TargetKind


def _stood_still(fault: FaultSpan, ends: Sequence[EndLine], node: str) -> bool:
    """A target that died meanwhile, by another fault or the kernel, did no work either."""
    injected, *later = [states.get(node) for states in fault.states] or [None]
    return injected == "paused" and bool(later) and all(state in {"paused", "ended"} for state in later)


_PAUSED: Final = Evidence(shown=_stood_still, lacking="does not show that {nodes} stood still until the heal")


class Pause(Fault):
    """``{kind: pause, zones: [b], services: [kafka], at: 20s, heal_after: 8s}``: SIGSTOP, then SIGCONT."""

    describes: ClassVar[str] = "stops the node's processes with SIGSTOP; heals with SIGCONT"
    colour: ClassVar[str] = "#8e44ad"
    shows: ClassVar[Evidence] = _PAUSED
    takes: ClassVar[Set[TargetKind]] = frozenset({"nodes", "processes", "zones"})
    requires: ClassVar[Set[Capability]] = frozenset({"signals"})
    kind: Literal["pause"] = "pause"

    def inject(self, platform: Targets, target: Target) -> None:
        """Pause the node. Raises ``PlatformError`` unless it was alive and has stopped."""
        platform.signal(target.node, "pause")

    def heal(self, platform: Targets, target: Target) -> None:
        """Resume the node, and restart it if it died meanwhile."""
        platform.signal(target.node, "resume")
        platform.start(target.node)
