"""Pause: the node stops answering but keeps its connections, as in a long collection or a stalled machine."""

from __future__ import annotations

from collections.abc import Set
from typing import ClassVar, Literal

from harness.backends.protocol import Capability
from harness.backends.targets import Targets
from harness.faults.evidence import PAUSED, Evidence
from harness.faults.protocol import Fault
from harness.scenario.faults import Target, TargetKind


class Pause(Fault):
    """``{kind: pause, zones: [b], services: [kafka], at: 20s, heal_after: 8s}``: SIGSTOP, then SIGCONT."""

    describes: ClassVar[str] = "stops the node's processes with SIGSTOP; heals with SIGCONT"
    colour: ClassVar[str] = "#8e44ad"
    shows: ClassVar[Evidence] = PAUSED
    takes: ClassVar[Set[TargetKind]] = frozenset({"nodes", "processes", "zones"})
    requires: ClassVar[Set[Capability]] = frozenset({"signals"})
    kind: Literal["pause"] = "pause"

    def inject(self, platform: Targets, target: Target) -> None:
        """Pause the node. Raises ``PlatformError`` unless it was alive and has stopped."""
        platform.signal(target.node, "pause")

    def heal(self, platform: Targets, target: Target) -> None:
        """Resume the node, and start it again if it died meanwhile."""
        platform.signal(target.node, "resume")
        platform.start(target.node)
