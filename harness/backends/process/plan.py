"""From a topology to nodes with addresses and folders, grouped into clusters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.artifacts import Artifacts
from harness.artifacts.java import JavaHome
from harness.backends.process.instance import Instance, Place
from harness.base.errors import InvalidInput, Problem
from harness.base.typed import suggestion
from harness.scenario.topology import NodeSpec, Topology
from harness.services.protocol import Cluster, Node, Service
from pipeline.endpoints import Endpoints

Services = Mapping[str, Service]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedService:
    """A service, and its nodes on this platform."""

    service: Service
    cluster: Cluster


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedNode:
    """A node, its place, the cluster that it belongs to, and the service that knows how to run it."""

    node: Node
    place: Place
    cluster: Cluster
    service: Service

    @property
    def name(self) -> str:
        """``kafka-broker-2``."""
        return self.node.name


def check_topology(topology: Topology, services: Services) -> None:
    """Refuse services and roles that nobody knows. Raises ``InvalidInput`` with all of them."""
    problems = []
    where = f"topology {topology.name}: services"
    for name, roles in topology.services.items():
        if name not in services:
            problems.append(Problem(where=where, found=name, allowed=suggestion(name, services)))
            continue
        if not roles and services[name].needs_nodes:
            allowed = f"nodes: one of {', '.join(services[name].roles)}"
            problems.append(Problem(where=f"{where}.{name}", found="none", allowed=allowed))
        known = services[name].roles
        problems += [
            Problem(where=f"{where}.{name}", found=role, allowed=suggestion(role, known))
            for role in roles
            if role not in known
        ]
    if problems:
        raise InvalidInput(problems)


def ports(topology: Topology, services: Services) -> dict[str, tuple[int, ...]]:
    """Every port that each node listens on."""
    return {node.name: services[node.service].roles[node.role].ports for node in topology.nodes()}


def places(topology: Topology, services: Services, addresses: Mapping[str, str]) -> dict[str, Place]:
    """Where each node is to be."""
    nodes = topology.nodes()

    def place(spec: NodeSpec) -> Place:
        role = services[spec.service].roles[spec.role]
        needed = (one.name for one in nodes if one.service == spec.service and one.role in role.after)
        return Place(
            address=addresses[spec.name],
            port=role.ports[0],
            waits_for=tuple(needed),
            stop_timeout_s=role.stop_timeout_s,
        )

    return {spec.name: place(spec) for spec in nodes}


def plan_services(
    instance: Instance, services: Services, artifacts: Artifacts, java: JavaHome
) -> tuple[PlannedService, ...]:
    """Every service with its nodes, of which it may have none."""
    nodes = instance.topology.nodes()

    def planned(name: str) -> PlannedService:
        cluster = Cluster(
            id=instance.id,
            nodes=tuple(
                Node(
                    spec=spec, address=instance.places[spec.name].address, data_dir=instance.data / spec.name
                )
                for spec in nodes
                if spec.service == name
            ),
            home=artifacts.home(name),
            java=java,
            jit=instance.topology.jit,
            shared_dir=instance.data / f"{name}-shared",
        )
        return PlannedService(service=services[name], cluster=cluster)

    return tuple(planned(name) for name in instance.topology.services)


def plan_nodes(instance: Instance, planned: Iterable[PlannedService]) -> tuple[PlannedNode, ...]:
    """Every node with all that configuring it takes, in the order of the topology."""
    return tuple(
        PlannedNode(node=node, place=instance.places[node.name], cluster=one.cluster, service=one.service)
        for one in planned
        for node in one.cluster.nodes
    )


def endpoints(planned: Iterable[PlannedService]) -> Endpoints:
    """What each service of the topology contributes."""
    return Endpoints(tuple(one.service.endpoint(one.cluster) for one in planned))


def write_files(files: Mapping[Path, str | bytes]) -> None:
    """Write a node's files, readable by the owner alone: they may hold secrets."""
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
