"""What a backend gives: a running platform whose nodes can be started, broken and healed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from harness.backends.preparation import NO_PREPARATION, Preparation
from harness.base.report import Report
from harness.scenario.topology import Topology
from pipeline.endpoints import Endpoints

NodeState = Literal["starting", "ready", "running", "paused", "dead", "stopped"]

ProcessState = Literal["running", "paused", "ended", "unknown"]
"""What the kernel says of a process, whatever it was asked to do; unknown where it could not be asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessEnd:
    """How a process ended once, whoever ended it."""

    at_monotonic_ns: int
    """On this machine's monotonic clock, to which a backend elsewhere translates its own."""
    exit: int
    """The exit code, or minus the signal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStatus:
    """One row of ``floodmark status``."""

    name: str
    service: str
    role: str
    zone: str
    endpoint: str
    """``host:port``, or "" for a process that listens nowhere."""
    state: NodeState
    pid: int | None
    memory_bytes: int
    cpu_s: float
    """Processor time since the node's process started."""
    ready_after_s: float | None
    """From its start until a real operation worked."""
    ends: tuple[ProcessEnd, ...] = ()
    """Every end of the node's process so far, the oldest first; it may have been started again since."""


class Platform(Protocol):
    """A platform that runs. Every method names its node; an unknown name raises ``PlatformError``."""

    endpoints: Endpoints

    def status(self) -> tuple[NodeStatus, ...]:
        """Every node, in the order of the topology, then the spawned processes."""
        ...

    def signal(self, node: str, action: Literal["kill", "pause", "resume"]) -> None:
        """Kill (SIGKILL), pause (SIGSTOP) or resume (SIGCONT) the node's process and its children.

        Returns once the node is dead, or paused. Raises ``PlatformError`` when that cannot be, as when it is
        dead already. To resume what is dead, or was not paused, is a no-op.
        """
        ...

    def process_state(self, node: str) -> ProcessState:
        """Whether the node's process runs, stands still, or has ended with all of its children.

        Raises ``PlatformError``.
        """
        ...

    def start(self, node: str, *, timeout_s: float = 60.0) -> None:
        """Start a dead node again with its data, and wait until it is ready. A no-op when it runs."""
        ...

    def spawn(self, name: str, argv: Sequence[str], *, env: Mapping[str, str] = {}) -> None:
        """Run a process of the pipeline or of the load beside the nodes; it dies with the platform."""
        ...

    def down(self) -> None:
        """Stop everything in reverse order and leave nothing behind. Idempotent."""
        ...


Capability = Literal["signals", "disks", "network"]
"""What faults may need of a backend: to kill, pause and resume processes; to fill the disk of a node, and no
other's; to delay or cut the connections between nodes."""


class Backend(Protocol):
    """Where nodes live."""

    name: str
    capabilities: Set[Capability]

    def up(
        self,
        topology: Topology,
        *,
        data_dir: Path,
        log_dir: Path,
        report: Report,
        preparation: Preparation = NO_PREPARATION,
    ) -> Platform:
        """Start the topology and wait until every service works. Raises ``PlatformError``."""
        ...
