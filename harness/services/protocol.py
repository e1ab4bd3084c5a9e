"""What a service is: how its nodes are started, when they are ready, and how clients reach it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from harness.artifacts.java import JavaHome
from harness.scenario.topology import Jit, NodeSpec
from pipeline.base.endpoints import Endpoint, Endpoints


class NotReady(Exception):
    """A node does not work yet; the message is what was observed. Never leaves the harness."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """What nodes of one role have in common."""

    ports: tuple[int, ...]
    """Where a node listens, on its own address. The first is the one that clients use."""
    after: tuple[str, ...] = ()
    """Roles of the same service that must be ready before a node of this role is started."""
    stop_timeout_s: float = 5.0
    """How long a node may take to end after SIGTERM before it is killed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One node and its place: everything needed to configure it."""

    spec: NodeSpec
    address: str
    data_dir: Path
    """The node's own; it survives a restart of the node."""

    @property
    def name(self) -> str:
        """``kafka-broker-2``."""
        return self.spec.name

    @property
    def conf_dir(self) -> Path:
        """Its configuration."""
        return self.data_dir / "conf"

    @property
    def tmp_dir(self) -> Path:
        """Its own temporary folder, so that it leaves nothing in the system's."""
        return self.data_dir / "tmp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Jvm:
    """What services on the Java virtual machine run on."""

    java: JavaHome
    jit: Jit
    """The topology's choice of a compiler."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """All nodes of one service in one region, and what they run on."""

    id: str
    """Unique to this platform and region."""
    nodes: tuple[Node, ...]
    home: Path
    """The engine's artifacts: jars in ``lib/``, and whatever else they lay out."""
    jvm: Jvm | None = None
    """None for a service that does not need Java."""
    shared_dir: Path
    """A folder that every node of the cluster can reach, for checkpoints and the like."""

    def role(self, name: str) -> tuple[Node, ...]:
        """The nodes of one role, in the order of the topology."""
        return tuple(node for node in self.nodes if node.spec.role == name)

    def replication_factor(self, role: str) -> int:
        """Three, or the number of nodes where there are fewer."""
        return min(3, len(self.role(role)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How one node's process is started. Secrets go into files, never into ``argv``."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[Path, str | bytes] = field(default_factory=dict)
    """Written before the first start, and left alone at a restart."""
    keep: Mapping[Path, Path] = field(default_factory=dict)
    """What the process writes when it ends in order, and where it is kept to speed up the next start."""


class Service(Protocol):
    """One engine. Nothing knows it but its files in this folder and its templates in ``compose/``."""

    @property
    def name(self) -> str:
        """Names the service in topologies, its engine in the lock, and its folder in ``compose/``."""
        ...

    @property
    def roles(self) -> Mapping[str, Role]:
        """The kinds of nodes that it has, by name."""
        ...

    @property
    def needs_nodes(self) -> bool:
        """Whether a topology must give it nodes."""
        ...

    @property
    def needs_java(self) -> bool:
        """Whether its nodes or its endpoint need Java. ``Cluster.jvm`` is None if not."""
        ...

    @property
    def needs(self) -> tuple[str, ...]:
        """Other services that it cannot run without.

        All their nodes in the region are ready before the first of its own is started.
        """
        ...

    def prepare(self, cluster: Cluster) -> None:
        """Make what all nodes share, once, before any of them is configured."""
        ...

    def launch(self, node: Node, cluster: Cluster, endpoints: Endpoints) -> Launch:
        """How to start the node. ``endpoints`` are those of the services that it needs, in its region."""
        ...

    def check_ready(self, node: Node, cluster: Cluster) -> None:
        """Do a real operation through the node. Raises ``NotReady``; it is called until it does not."""
        ...

    def endpoint(self, cluster: Cluster) -> Endpoint:
        """Where clients find the service."""
        ...
