"""Kill: the node's processes end at once, as when a machine loses power; its disk stays."""

from __future__ import annotations

from collections.abc import Set
from typing import ClassVar, Literal

from harness.backends.protocol import Capability
from harness.backends.targets import Targets
from harness.faults.evidence import KILLED, Evidence
from harness.faults.protocol import Fault
from harness.scenario.faults import Target, TargetKind


class Kill(Fault):
    """``{kind: kill, targets: [kafka-broker-2], at: 20s, heal_after: 8s}``: SIGKILL, then a start."""

    describes: ClassVar[str] = (
        "ends the node's processes with SIGKILL; heals by starting it again with its data"
    )
    colour: ClassVar[str] = "#c0392b"
    shows: ClassVar[Evidence] = KILLED
    takes: ClassVar[Set[TargetKind]] = frozenset({"nodes", "processes", "zones"})
    requires: ClassVar[Set[Capability]] = frozenset({"signals"})
    kind: Literal["kill"] = "kill"

    def inject(self, platform: Targets, target: Target) -> None:
        """Kill the node. Raises ``PlatformError`` unless it was alive and this is what ended it."""
        platform.signal(target.node, "kill")

    def heal(self, platform: Targets, target: Target) -> None:
        """Start the node again and wait until it is ready."""
        platform.start(target.node)
