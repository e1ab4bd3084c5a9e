"""A platform without processes, kept in memory, for tests of the code that drives a platform."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence, Set
from pathlib import Path
from typing import Final

from harness.backends.attached import Attached
from harness.backends.instance import Instance
from harness.backends.protocol import NO_PREPARATION, Capability, Preparation
from harness.backends.status import NodeStatus
from harness.base.errors import PlatformError, how_ended
from harness.base.report import Report
from harness.processes.protocol import Action, ProcessEnd, ProcessState, ProcessStatus, State
from harness.scenario.topology import Topology
from pipeline.base.endpoints import Endpoints

_ENDED: Final = ("dead", "stopped")


class _Table:
    """Entries that change state at once. Each action is noted in ``did``: ``kill kafka-broker-2``."""

    def __init__(self, names: Sequence[str], did: list[str], monotonic_ns: Callable[[], int]) -> None:
        self.alive: dict[str, State] = dict.fromkeys(names, "ready")
        """The state of each entry while alive."""
        self.states = dict(self.alive)
        self.ends: dict[str, tuple[ProcessEnd, ...]] = {}
        self._did, self._monotonic_ns = did, monotonic_ns

    def signal(self, name: str, action: Action) -> None:
        """Change an entry's state. A dead entry stays dead."""
        self._note(action, name)
        if self.states[name] in _ENDED:
            if action != "resume":
                how = how_ended(self.ends[name][-1].exit)
                raise PlatformError(f"cannot {action} {name}: it has already ended, {how}")
            return
        match action:
            case "kill":
                self.end(name, exit_code=-9)
            case "pause":
                self.states[name] = "paused"
            case "resume":
                self.states[name] = self.alive[name]

    def process_state(self, name: str) -> ProcessState:
        """The entry's state as a process state."""
        state = self.states[name]
        return "ended" if state in _ENDED else "paused" if state == "paused" else "running"

    def start(self, name: str, *, timeout_s: float = 60.0) -> None:
        """Restart a dead entry."""
        self._note("start", name)
        if self.states[name] in _ENDED:
            self.states[name] = self.alive[name]

    def end(self, name: str, *, exit_code: int = 0) -> None:
        """End an entry, like a process that finishes, fails, or is killed from outside."""
        self.states[name] = "dead" if exit_code else "stopped"
        end = ProcessEnd(at_monotonic_ns=self._monotonic_ns(), exit=exit_code)
        self.ends[name] = (*self.ends.get(name, ()), end)

    def _note(self, action: str, name: str) -> None:
        if name not in self.states:
            raise PlatformError(f"unknown target {name!r}; known: {', '.join(self.states)}")
        self._did.append(f"{action} {name}")


class MemoryProcesses(_Table):
    """Processes that run until they are killed or ``end`` is called."""

    def __init__(self, did: list[str], monotonic_ns: Callable[[], int]) -> None:
        super().__init__((), did, monotonic_ns)
        self.spawned_with: dict[str, Mapping[str, str]] = {}
        """The environment of each spawned process."""

    def spawn(self, name: str, argv: Sequence[str], *, env: Mapping[str, str] = {}) -> None:
        """Add an entry, or restart it."""
        self._did.append(f"spawn {name}")
        self.spawned_with[name] = env
        self.alive[name] = self.states[name] = "running"

    def status(self) -> tuple[ProcessStatus, ...]:
        """All entries."""
        return tuple(
            ProcessStatus(
                name=name, state=state, pid=None, memory_bytes=0, cpu_s=0.0, ends=self.ends.get(name, ())
            )
            for name, state in self.states.items()
        )

    def stop(self) -> None:
        """Stop every entry."""
        self.states = dict.fromkeys(self.states, "stopped")


class MemoryPlatform(_Table):
    """Nodes that are ready from the start."""

    id = "memory"

    def __init__(
        self, topology: Topology, did: list[str], monotonic_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self._topology = topology
        self.nodes = tuple(node.name for node in topology.nodes())
        super().__init__(self.nodes, did, monotonic_ns)
        self.endpoints = Endpoints(())
        self.processes = MemoryProcesses(did, monotonic_ns)

    def status(self) -> tuple[NodeStatus, ...]:
        """All nodes, in topology order."""
        return tuple(
            NodeStatus(
                name=node.name,
                service=node.service,
                role=node.role,
                zone=node.zone,
                endpoint="",
                state=self.states[node.name],
                pid=None,
                memory_bytes=0,
                cpu_s=0.0,
                ready_after_s=0.0,
                ends=self.ends.get(node.name, ()),
            )
            for node in self._topology.nodes()
        )

    def detach(self) -> None:
        """Only note it: nothing here outlives this process."""
        self._did.append("detach")

    def down(self) -> None:
        """Stop every process and node. Idempotent."""
        self._did.append("down")
        self.processes.stop()
        self.states = dict.fromkeys(self.states, "stopped")


class MemoryBackend:
    """Creates platforms without processes. Both note each action in ``did``."""

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
        """Return a platform that is ready at once; note what was prepared. The folders are not used."""
        self.did += [f"prepare {node}" for node in preparation.env]
        self.did.append("up")
        self.platforms.append(MemoryPlatform(topology, self.did, self._monotonic_ns))
        return self.platforms[-1]

    def running(self) -> tuple[Instance, ...]:
        """Return none: other commands cannot see them."""
        return ()

    def attach(self, identity: str) -> Attached:
        """Raise ``PlatformError``, as ``running`` returns none."""
        raise PlatformError(f"no memory platform {identity!r}")
