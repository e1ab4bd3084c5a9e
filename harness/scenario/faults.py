"""A fault as data: what it breaks, when, and for how long. The kinds are implemented in harness/faults/."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

from harness.base.units import Seconds
from harness.scenario.topology import Topology

Parameter = str | int | float | bool
"""A recorded parameter: durations in seconds, sizes in bytes, rates per second, shares of 1."""

TargetKind = Literal["nodes", "processes", "zones", "pairs"]
"""What a fault can target; ``processes`` are those of the pipeline."""


class FaultFields(BaseModel):
    """Fields common to all kinds of faults. Each kind adds its own parameters (harness/faults/)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)

    kind: str
    targets: tuple[str, ...] = ()
    """Nodes by name, ``kafka-broker-2``, or processes of the pipeline, ``hot-writer-1``."""
    zones: tuple[str, ...] = ()
    """All nodes in these zones are targets as well."""
    services: tuple[str, ...] = ()
    """Limits zones to the nodes of these services. Default: all services."""
    between: tuple[tuple[str, str], ...] = ()
    """Pairs of nodes, zones, or one of each, for network faults between them."""
    at: Seconds
    """Time from the start of the load."""
    heal_after: Seconds
    """Time from injection to heal."""


class FaultSpec(FaultFields):
    """One scheduled fault of any kind. Recorded ones stay readable even if the kind has changed or gone."""

    parameters: dict[str, Parameter] = {}
    """The kind's own parameters, by name; typed in harness/faults/."""

    @staticmethod
    def of(fault: FaultFields) -> FaultSpec:
        """Convert a typed fault to the plain value that scenarios hold and runs record."""
        fields = {name: getattr(fault, name) for name in FaultFields.model_fields}
        return FaultSpec(**fields, parameters=parameters_of(fault))


def parameters_of(fault: FaultFields) -> dict[str, Parameter]:
    """The parameters that the fault's kind adds to the common fields, without those left out."""
    return fault.model_dump(mode="json", exclude=set(FaultFields.model_fields), exclude_none=True)


@dataclass(frozen=True, slots=True)
class Target:
    """One target of a fault: a node, a process, or the connection between two of them."""

    node: str
    peer: str = ""
    """The other end of a connection; "" if the target is the node itself."""

    @property
    def nodes(self) -> tuple[str, ...]:
        """The node, or both ends of the connection."""
        return (self.node, self.peer) if self.peer else (self.node,)

    def __str__(self) -> str:
        return " and ".join(self.nodes)


def targets_of(fault: FaultFields, topology: Topology) -> tuple[Target, ...]:
    """The fault's distinct targets, with zones expanded to their nodes in topology order."""
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
    """The distinct nodes and processes among the targets and their ends."""
    return tuple(dict.fromkeys(node for target in targets for node in target.nodes))


def _end(name: str, fault: FaultFields, topology: Topology) -> tuple[str, ...]:
    return tuple(_nodes_in(name, fault, topology)) if name in topology.zones else (name,)


def _nodes_in(zone: str, fault: FaultFields, topology: Topology) -> Iterator[str]:
    for node in topology.nodes():
        if node.zone == zone and (not fault.services or node.service in fault.services):
            yield node.name
