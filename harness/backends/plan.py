"""Plans the nodes of a topology, with addresses and folders, grouped into clusters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from harness.artifacts import Artifacts
from harness.artifacts.java import find_java
from harness.backends.instance import Instance, Place
from harness.base.errors import InvalidInput, Problem
from harness.base.typed import suggestion
from harness.scenario.topology import NodeSpec, Topology
from harness.services.protocol import Cluster, Jvm, Node, Service, missing_needs
from pipeline.base.endpoints import Endpoint, Endpoints

Services = Mapping[str, Service]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedService:
    """A service and its cluster in one region of this platform."""

    service: Service
    region: str
    cluster: Cluster


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedNode:
    """A node with its place, cluster and service."""

    node: Node
    place: Place
    cluster: Cluster
    service: Service
    needed: Endpoints
    """The endpoints of the services that its service needs."""

    @property
    def name(self) -> str:
        """``kafka-broker-2``."""
        return self.node.name


def check_topology(topology: Topology, services: Services) -> None:
    """Raise ``InvalidInput`` with every unknown service or role, and every needed service that is missing."""
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
    for name, needed in missing_needs(topology.services, {s.name: s.needs for s in services.values()}):
        problems.append(Problem(where=where, found=f"no {needed}", allowed=f"{needed}, as {name} needs it"))
    if problems:
        raise InvalidInput(problems)


def ports(topology: Topology, services: Services) -> dict[str, tuple[int, ...]]:
    """All ports on which each node listens."""
    return {node.name: services[node.service].roles[node.role].ports for node in topology.nodes()}


def places(topology: Topology, services: Services, addresses: Mapping[str, str]) -> dict[str, Place]:
    """The place of each node."""
    nodes = topology.nodes()

    def waits_for(spec: NodeSpec, one: NodeSpec) -> bool:
        if one.region != spec.region:
            return False
        service = services[spec.service]
        if one.service == spec.service:
            return one.role in service.roles[spec.role].after
        return one.service in service.needs

    def place(spec: NodeSpec) -> Place:
        role = services[spec.service].roles[spec.role]
        return Place(
            address=addresses[spec.name],
            port=role.ports[0],
            waits_for=tuple(one.name for one in nodes if waits_for(spec, one)),
            stop_timeout_s=role.stop_timeout_s,
        )

    return {spec.name: place(spec) for spec in nodes}


def find_jvm(topology: Topology, services: Services) -> Jvm | None:
    """The Java for services that need it; None if no service does. Raises ``PlatformError``."""
    if not any(services[name].needs_java for name in topology.services):
        return None
    return Jvm(java=find_java(), jit=topology.jit)


def plan_services(
    instance: Instance, services: Services, artifacts: Artifacts, jvm: Jvm | None
) -> tuple[PlannedService, ...]:
    """Each service in each region, with its nodes, if any."""
    topology, nodes = instance.topology, instance.topology.nodes()

    def planned(name: str, region: str) -> PlannedService:
        # Names contain the region only if there are several.
        own = f"-{region}" if topology.regions else ""
        cluster = Cluster(
            id=instance.id + own,
            nodes=tuple(
                Node(
                    spec=spec, address=instance.places[spec.name].address, data_dir=instance.data / spec.name
                )
                for spec in nodes
                if spec.service == name and spec.region == region
            ),
            home=artifacts.home(name),
            jvm=jvm if services[name].needs_java else None,
            shared_dir=instance.data / f"{name}{own}-shared",
        )
        return PlannedService(service=services[name], region=region, cluster=cluster)

    return tuple(planned(name, region) for name in topology.services for region in topology.zones_by_region())


def plan_nodes(
    instance: Instance, planned: Iterable[PlannedService], endpoints: Endpoints
) -> tuple[PlannedNode, ...]:
    """All nodes in topology order, with everything needed to configure them."""
    return tuple(
        PlannedNode(
            node=node,
            place=instance.places[node.name],
            cluster=one.cluster,
            service=one.service,
            needed=endpoints.in_region(one.region).only(one.service.needs),
        )
        for one in planned
        for node in one.cluster.nodes
    )


def endpoints_of(topology: Topology, planned: Iterable[PlannedService]) -> Endpoints:
    """The endpoints of all services in all regions."""
    found: dict[str, list[Endpoint]] = {region: [] for region in topology.zones_by_region()}
    for one in planned:
        found[one.region].append(one.service.endpoint(one.cluster))
    home, *others = (Endpoints(tuple(services), region=region) for region, services in found.items())
    return replace(home, elsewhere=tuple(others))


def write_files(files: Mapping[Path, str | bytes]) -> None:
    """Write a node's files, readable only by the owner, as they may hold secrets."""
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
