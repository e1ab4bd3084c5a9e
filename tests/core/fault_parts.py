"""Faults of kinds that only tests know: one with parameters, one of pairs, one that prepares."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import replace
from typing import Any, ClassVar, Literal

from harness.backends.protocol import Capability, Preparation
from harness.backends.targets import Targets
from harness.base.units import Bytes, Seconds
from harness.faults.protocol import Evidence, Fault
from harness.faults.registry import FAULTS
from harness.scenario.faults import Target, TargetKind
from harness.scenario.topology import RoleSpec, Topology
from tests.core.scenario_parts import WORDS

FULL = Evidence(
    shown=lambda fault, ends, node: (
        bool(fault.states) and all(states[node] == "full" for states in fault.states)
    ),
    lacking="does not show that the disks of {nodes} were full",
)
SEEN = Evidence(shown=lambda fault, ends, node: True, lacking="lacks {nodes}")


class Fill(Fault):
    describes: ClassVar[str] = "fills the node's disk but for what it leaves"
    colour: ClassVar[str] = "#d35400"
    shows: ClassVar[Evidence] = FULL
    takes: ClassVar[Set[TargetKind]] = frozenset({"nodes", "zones"})
    requires: ClassVar[Set[Capability]] = frozenset({"disks"})
    kind: Literal["fill"] = "fill"
    leave: Bytes
    over: Seconds = 0.0

    def inject(self, platform: Any, target: Target) -> None:
        platform.fill(target.node, self.leave)

    def heal(self, platform: Any, target: Target) -> None:
        platform.free(target.node)

    def look(self, platform: Targets, node: str) -> str:
        return "full"


class Cut(Fault):
    describes: ClassVar[str] = "cuts the connection between two nodes"
    colour: ClassVar[str] = "#000000"
    shows: ClassVar[Evidence] = SEEN
    takes: ClassVar[Set[TargetKind]] = frozenset({"pairs"})
    requires: ClassVar[Set[Capability]] = frozenset({"network"})
    kind: Literal["cut"] = "cut"

    def inject(self, platform: Any, target: Target) -> None:
        platform.cut(target.node, target.peer)

    def heal(self, platform: Any, target: Target) -> None:
        platform.join(target.node, target.peer)


class Skew(Fault):
    describes: ClassVar[str] = "sets the clock of a node forward"
    colour: ClassVar[str] = "#ffffff"
    shows: ClassVar[Evidence] = SEEN
    takes: ClassVar[Set[TargetKind]] = frozenset({"nodes", "processes", "zones"})
    requires: ClassVar[Set[Capability]] = frozenset({"signals"})
    kind: Literal["skew"] = "skew"
    by: Seconds

    def prepare(self, targets: Sequence[Target], topology: Topology) -> Preparation:
        return Preparation(env={target.node: {"SKEW": f"{self.by:g}"} for target in targets})

    def inject(self, platform: Targets, target: Target) -> None:
        platform.signal(target.node, "pause")

    def heal(self, platform: Targets, target: Target) -> None:
        platform.signal(target.node, "resume")


MORE = {**FAULTS, "fill": Fill, "cut": Cut, "skew": Skew}
ABLE = replace(
    WORDS,
    faults=MORE,
    backend="able",
    capabilities={"able": {"signals", "disks", "network"}, "process": {"signals"}},
)
"""The words of a backend that is capable of everything."""
ZONES = Topology(
    name="zones",
    zones=("a", "b"),
    services={
        "kafka": {"broker": RoleSpec(count=4, memory=2**26)},
        "flink": {
            "jobmanager": RoleSpec(count=1, memory=2**26),
            "taskmanager": RoleSpec(count=2, memory=2**26),
        },
    },
)
"""Zone a has brokers 1 and 3, the job manager and task manager 1; zone b has the rest."""
