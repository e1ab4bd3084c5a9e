"""Kill: the node's processes end at once, as when a machine loses power; its disk stays."""

from __future__ import annotations

import signal
from collections.abc import Sequence, Set
from typing import ClassVar, Final, Literal

from harness.backends.protocol import Capability
from harness.backends.targets import Targets
from harness.faults.protocol import Evidence, Fault
from harness.history.course import FOREVER_NS, EndLine, FaultSpan
from harness.scenario.faults import Target, TargetKind


def _was_killed(fault: FaultSpan, ends: Sequence[EndLine], node: str) -> bool:
    until_ns = FOREVER_NS if fault.heal_ns is None else fault.heal_ns
    return any(
        end.node == node and end.exit == -signal.SIGKILL and fault.inject_ns <= end.at_ns <= until_ns
        for end in ends
    )


_KILLED: Final = Evidence(shown=_was_killed, lacking="has no end by SIGKILL of {nodes} before the heal")


class Kill(Fault):
    """``{kind: kill, targets: [kafka-broker-2], at: 20s, heal_after: 8s}``: SIGKILL, then a restart."""

    describes: ClassVar[str] = "ends the node's processes with SIGKILL; heals by restarting it with its data"
    colour: ClassVar[str] = "#c0392b"
    shows: ClassVar[Evidence] = _KILLED
    takes: ClassVar[Set[TargetKind]] = frozenset({"nodes", "processes", "zones"})
    requires: ClassVar[Set[Capability]] = frozenset({"signals"})
    kind: Literal["kill"] = "kill"

    def inject(self, platform: Targets, target: Target) -> None:
        """Kill the node. Raises ``PlatformError`` unless it was alive and this ended it."""
        platform.signal(target.node, "kill")

    def heal(self, platform: Targets, target: Target) -> None:
        """Restart the node and wait until it is ready."""
        platform.start(target.node)
