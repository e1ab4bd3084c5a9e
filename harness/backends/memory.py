"""A platform without processes: nodes are entries of a dictionary. For tests of what drives a platform."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from harness.backends.protocol import NodeState, NodeStatus, Report
from harness.errors import PlatformError
from harness.topology import NodeSpec, Topology
from pipeline.endpoints import Endpoints


class MemoryPlatform:
    """Does at once what is asked, and remembers it in ``asked``: ``("kill", "kafka-broker-2")``."""

    def __init__(self, topology: Topology, report: Report) -> None:
        self.endpoints = Endpoints(())
        self.asked: list[tuple[str, str]] = []
        self._nodes: dict[str, NodeSpec | None] = {node.name: node for node in topology.nodes()}
        self._states: dict[str, NodeState] = dict.fromkeys(self._nodes, "ready")
        for name in self._nodes:
            report(f"{name} ready after 0.0 s")

    def status(self) -> tuple[NodeStatus, ...]:
        """Every node, then what was spawned."""
        return tuple(self._status(name, spec) for name, spec in self._nodes.items())

    def signal(self, node: str, action: Literal["kill", "pause", "resume"]) -> None:
        """Change the node's state. What is dead stays dead."""
        self._require(node)
        self.asked.append((action, node))
        if self._states[node] in ("dead", "stopped"):
            return
        match action:
            case "kill":
                self._states[node] = "dead"
            case "pause":
                self._states[node] = "paused"
            case "resume":
                self._states[node] = "ready" if self._nodes[node] else "running"

    def start(self, node: str, *, timeout_s: float = 60.0) -> None:
        """Make a dead node ready."""
        self._require(node)
        self.asked.append(("start", node))
        if self._states[node] in ("dead", "stopped"):
            self._states[node] = "ready"

    def spawn(self, name: str, argv: Sequence[str], *, env: Mapping[str, str] = {}) -> None:
        """Add an entry that runs until it is killed or ``end`` is called."""
        self.asked.append(("spawn", name))
        self._nodes[name] = None
        self._states[name] = "running"

    def end(self, name: str) -> None:
        """What a spawned process does by itself when it has done its work."""
        self._states[name] = "stopped"

    def down(self) -> None:
        """Stop every entry. Idempotent."""
        self.asked.append(("down", ""))
        self._states = dict.fromkeys(self._nodes, "stopped")

    def _require(self, node: str) -> None:
        if node not in self._nodes:
            raise PlatformError(f"no node is called {node!r}; there are {', '.join(self._nodes)}")

    def _status(self, name: str, spec: NodeSpec | None) -> NodeStatus:
        return NodeStatus(
            name=name,
            service=spec.service if spec else "",
            role=spec.role if spec else "",
            zone=spec.zone if spec else "",
            endpoint="memory:0" if spec else "",
            state=self._states[name],
            pid=None,
            memory_bytes=spec.heap_bytes if spec else 0,
            cpu_s=0.0,
            ready_after_s=0.0 if spec else None,
        )


class MemoryBackend:
    """Gives platforms without processes, and remembers them in ``platforms``."""

    name = "memory"

    def __init__(self) -> None:
        self.platforms: list[MemoryPlatform] = []

    def up(self, topology: Topology, *, data_dir: Path, log_dir: Path, report: Report) -> MemoryPlatform:
        """A platform that is ready at once. The folders are not used."""
        platform = MemoryPlatform(topology, report)
        self.platforms.append(platform)
        return platform
