"""The interface of a service: how its nodes start, when they are ready, and how clients reach it."""

from __future__ import annotations

import socket
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Final, Protocol

from harness.artifacts.java import JavaHome
from harness.scenario.topology import Jit, NodeSpec
from pipeline.base.endpoints import Endpoint, Endpoints

_CONNECT_TIMEOUT_S: Final = 1.0

Needs = Mapping[str, Collection[str]]
"""The services that each service depends on, by name."""


class NotReady(Exception):
    """A node does not work yet; the message is the observation. Never leaves the harness."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """Properties shared by all nodes of one role."""

    ports: tuple[int, ...]
    """Ports on the node's own address. Clients use the first."""
    after: tuple[str, ...] = ()
    """Roles of the same service that must be ready before a node of this role starts."""
    stop_timeout_s: float = 5.0
    """Time between SIGTERM and SIGKILL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One node, with its address and folders."""

    spec: NodeSpec
    address: str
    data_dir: Path
    """The node's own folder, kept across its restarts."""

    @property
    def name(self) -> str:
        """``kafka-broker-2``."""
        return self.spec.name

    @property
    def conf_dir(self) -> Path:
        """The folder of its configuration."""
        return self.data_dir / "conf"

    @property
    def tmp_dir(self) -> Path:
        """Its own temporary folder, so that nothing is left in the system's."""
        return self.data_dir / "tmp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Jvm:
    """The Java that services run on, and its compiler."""

    java: JavaHome
    jit: Jit
    """The topology's compiler."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """All nodes of one service in one region."""

    id: str
    """Unique to this platform and region."""
    nodes: tuple[Node, ...]
    home: Path
    """The engine's artifacts: jars in ``lib/``, and its other files."""
    jvm: Jvm | None = None
    """None if the service does not need Java."""
    shared_dir: Path
    """A folder shared by all nodes of the cluster, for example for checkpoints."""

    def role(self, name: str) -> tuple[Node, ...]:
        """The nodes of one role, in the order of the topology."""
        return tuple(node for node in self.nodes if node.spec.role == name)

    def replication_factor(self, role: str) -> int:
        """Three, or the number of nodes if there are fewer."""
        return min(3, len(self.role(role)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How to start one node's process. Secrets go into files, never into ``argv``."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[Path, str | bytes] = field(default_factory=dict)
    """Written before the first start only."""
    keep: Mapping[Path, Path] = field(default_factory=dict)
    """Files that the process writes at a clean exit, and where each is kept to speed up the next start."""


class Service(Protocol):
    """One engine, known only to its files in this folder and its templates in ``compose/``."""

    @property
    def name(self) -> str:
        """The name in topologies, of the engine in the lock, and of the folder in ``compose/``."""
        ...

    @property
    def roles(self) -> Mapping[str, Role]:
        """Its kinds of nodes, by name."""
        ...

    @property
    def needs_nodes(self) -> bool:
        """Whether a topology must give it nodes."""
        ...

    @property
    def needs_java(self) -> bool:
        """Whether its nodes or its endpoint need Java; if not, ``Cluster.jvm`` is None."""
        ...

    @property
    def needs(self) -> tuple[str, ...]:
        """Services it depends on: all their nodes in the region are ready before its first node starts."""
        ...

    def prepare(self, cluster: Cluster) -> None:
        """Create what all nodes share, once, before any node is configured."""
        ...

    def launch(self, node: Node, cluster: Cluster, endpoints: Endpoints) -> Launch:
        """How to start the node. ``endpoints`` are those of the services it needs, in its region."""
        ...

    def check_ready(self, node: Node, cluster: Cluster) -> None:
        """Do a real operation through the node. Raises ``NotReady``; called until it succeeds."""
        ...

    def endpoint(self, cluster: Cluster) -> Endpoint:
        """The address that clients use."""
        ...


def check_listening(address: str, port: int) -> None:
    """Connect and disconnect: the cheapest check, made first. Raises ``NotReady``."""
    try:
        with socket.create_connection((address, port), timeout=_CONNECT_TIMEOUT_S):
            pass
    except OSError as error:
        raise NotReady(f"{address}:{port}: {error.strerror or error}") from error


def missing_needs(present: Collection[str], needs: Needs) -> Iterator[tuple[str, str]]:
    """Each present service with each absent service that it needs."""
    for name in present:
        yield from ((name, needed) for needed in needs.get(name, ()) if needed not in present)


def start_order(needs: Needs) -> tuple[str, ...]:
    """All services, each after those it needs.

    Raises ValueError for services that need each other in a cycle, and for a need that is not a service.
    """
    if unknown := sorted({needed for services in needs.values() for needed in services} - needs.keys()):
        raise ValueError(f"unknown services are needed: {', '.join(unknown)}")
    try:
        return tuple(TopologicalSorter(needs).static_order())
    except CycleError as error:
        raise ValueError(f"services need each other in a cycle: {' -> '.join(error.args[1])}") from error
