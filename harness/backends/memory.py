"""A platform without processes: nodes are entries of a dictionary. For tests of what drives a platform."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence, Set
from pathlib import Path
from typing import Final, Literal

from harness.backends.preparation import NO_PREPARATION, Preparation
from harness.backends.protocol import Capability, NodeState, NodeStatus, ProcessEnd, ProcessState
from harness.base.errors import PlatformError
from harness.base.exits import how_ended
from harness.base.report import Report
from harness.scenario.topology import NodeSpec, Topology
from pipeline.endpoints import Endpoints

_ENDED: Final = ("dead", "stopped")


class MemoryPlatform:
    """Does at once what is asked, and notes it in ``did``: ``kill kafka-broker-2``."""

    def __init__(
        self, topology: Topology, did: list[str], monotonic_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self.endpoints = Endpoints(())
        self._did, self._monotonic_ns = did, monotonic_ns
        self._nodes: dict[str, NodeSpec | None] = {node.name: node for node in topology.nodes()}
        self._states: dict[str, NodeState] = dict.fromkeys(self._nodes, "ready")
        self._ends: dict[str, tuple[ProcessEnd, ...]] = {}
        self.spawned_with: dict[str, Mapping[str, str]] = {}
        """The environment of each process that was spawned."""

    def status(self) -> tuple[NodeStatus, ...]:
        """Every node, then what was spawned."""
        return tuple(
            _status(name, spec, self._states[name], self._ends.get(name, ()))
            for name, spec in self._nodes.items()
        )

    def signal(self, node: str, action: Literal["kill", "pause", "resume"]) -> None:
        """Change the node's state. What is dead stays dead."""
        self._note(action, node)
        if self._states[node] in _ENDED:
            if action != "resume":
                how = how_ended(self._ends[node][-1].exit)
                raise PlatformError(f"cannot {action} {node}: it ended before, {how}")
            return
        match action:
            case "kill":
                self.end(node, exit_code=-9)
            case "pause":
                self._states[node] = "paused"
            case "resume":
                self._states[node] = "ready" if self._nodes[node] else "running"

    def process_state(self, node: str) -> ProcessState:
        """By the node's state."""
        state = self._states[node]
        return "ended" if state in _ENDED else "paused" if state == "paused" else "running"

    def start(self, node: str, *, timeout_s: float = 60.0) -> None:
        """Make a dead node ready."""
        self._note("start", node)
        if self._states[node] in _ENDED:
            self._states[node] = "ready"

    def spawn(self, name: str, argv: Sequence[str], *, env: Mapping[str, str] = {}) -> None:
        """Add an entry that runs until it is killed or ``end`` is called."""
        self._did.append(f"spawn {name}")
        self._nodes[name] = None
        self.spawned_with[name] = env
        self._states[name] = "running"

    def end(self, name: str, *, exit_code: int = 0) -> None:
        """What a process does by itself when it has done its work, fails, or is killed."""
        self._states[name] = "dead" if exit_code else "stopped"
        end = ProcessEnd(at_monotonic_ns=self._monotonic_ns(), exit=exit_code)
        self._ends[name] = (*self._ends.get(name, ()), end)

    def down(self) -> None:
        """Stop every entry. Idempotent."""
        self._did.append("down")
        self._states = dict.fromkeys(self._nodes, "stopped")

    def _note(self, action: str, node: str) -> None:
        if node not in self._nodes:
            raise PlatformError(f"no node is called {node!r}; there are {', '.join(self._nodes)}")
        self._did.append(f"{action} {node}")


class MemoryBackend:
    """Gives platforms without processes. They and it note what is asked of them in ``did``."""

    name = "memory"
    capabilities: Set[Capability] = frozenset({"signals"})

    def __init__(self, did: list[str], monotonic_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self.did, self._monotonic_ns = did, monotonic_ns
        self.platforms: list[MemoryPlatform] = []

    def up(
        self,
        topology: Topology,
        *,
        data_dir: Path,
        log_dir: Path,
        report: Report,
        preparation: Preparation = NO_PREPARATION,
    ) -> MemoryPlatform:
        """A platform that is ready at once, and notes what was prepared. The folders are not used."""
        self.did += [f"prepare {node}" for node in preparation.env]
        self.did.append("up")
        self.platforms.append(MemoryPlatform(topology, self.did, self._monotonic_ns))
        return self.platforms[-1]


def _status(name: str, spec: NodeSpec | None, state: NodeState, ends: tuple[ProcessEnd, ...]) -> NodeStatus:
    return NodeStatus(
        name=name,
        service=spec.service if spec else "",
        role=spec.role if spec else "",
        zone=spec.zone if spec else "",
        endpoint="",
        state=state,
        pid=None,
        memory_bytes=0,
        cpu_s=0.0,
        ready_after_s=0.0 if spec else None,
        ends=ends,
    )
