"""A fault as data: what it breaks, when, and until when. What each kind does is in harness/faults/."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

from harness.base.units import Seconds
from harness.scenario.topology import Topology

Parameter = str | int | float | bool
"""A parameter as it is recorded: durations in seconds, sizes in bytes, rates a second, shares of one."""

TargetKind = Literal["nodes", "processes", "zones", "pairs"]
"""What a fault may be aimed at; ``processes`` are those of the pipeline."""


class FaultFields(BaseModel):
    """What every fault has, whatever its kind. Each kind adds its own parameters (harness/faults/)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)

    kind: str
    targets: tuple[str, ...] = ()
    """Nodes by name, ``kafka-broker-2``; ``hot-writer-1`` names a process of the pipeline."""
    zones: tuple[str, ...] = ()
    """Every node in each of these zones is a target as well."""
    services: tuple[str, ...] = ()
    """Of zones, only the nodes of these services; the nodes of every service when it is left out."""
    between: tuple[tuple[str, str], ...] = ()
    """Pairs of nodes, of zones, or of one of each, for faults of the network between them."""
    at: Seconds
    """From the start of the load."""
    heal_after: Seconds
    """From injection to heal."""


class FaultSpec(FaultFields):
    """One fault of the schedule, of any kind.

    It is read back from a recorded run even if its kind has since changed or gone.
    """

    parameters: dict[str, Parameter] = {}
    """Those of its kind, by name; harness/faults/ has their types."""

    @staticmethod
    def of(fault: FaultFields) -> FaultSpec:
        """A fault of a kind as the plain value that scenarios hold and runs record."""
        fields = {name: getattr(fault, name) for name in FaultFields.model_fields}
        return FaultSpec(**fields, parameters=parameters_of(fault))


def parameters_of(fault: FaultFields) -> dict[str, Parameter]:
    """What the fault's kind adds to the fields of every fault, without what was left out."""
    return fault.model_dump(mode="json", exclude=set(FaultFields.model_fields), exclude_none=True)


@dataclass(frozen=True, slots=True)
class Target:
    """What a fault breaks at once: a node or a process, or the connection between two of them."""

    node: str
    peer: str = ""
    """The other end of a connection; "" where the node itself is meant."""

    @property
    def nodes(self) -> tuple[str, ...]:
        """The node, or both ends."""
        return (self.node, self.peer) if self.peer else (self.node,)

    def __str__(self) -> str:
        return " and ".join(self.nodes)


def targets_of(fault: FaultFields, topology: Topology) -> tuple[Target, ...]:
    """The fault's targets, each once, with zones expanded to their nodes in the topology's order."""
    named = (Target(name) for name in fault.targets)
    zoned = (Target(node) for zone in fault.zones for node in _nodes_in(zone, fault, topology))
    pairs = (
        Target(node, peer)
        for first, second in fault.between
        for node in _end(first, fault, topology)
        for peer in _end(second, fault, topology)
        if node != peer
    )
    return tuple(dict.fromkeys((*named, *zoned, *pairs)))


def node_names(targets: tuple[Target, ...]) -> tuple[str, ...]:
    """Every node and process that is a target or an end of one, each once."""
    return tuple(dict.fromkeys(node for target in targets for node in target.nodes))


def _end(name: str, fault: FaultFields, topology: Topology) -> tuple[str, ...]:
    return tuple(_nodes_in(name, fault, topology)) if name in topology.zones else (name,)


def _nodes_in(zone: str, fault: FaultFields, topology: Topology) -> Iterator[str]:
    for node in topology.nodes():
        if node.zone == zone and (not fault.services or node.service in fault.services):
            yield node.name
