"""The interface of a backend: it runs platforms whose nodes can be started, broken and healed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, Protocol

from harness.backends.attached import Attached
from harness.backends.instance import Instance
from harness.backends.status import NodeStatus
from harness.base.errors import PlatformError
from harness.base.report import Report
from harness.processes.protocol import Action, Processes, ProcessState
from harness.scenario.topology import Topology
from pipeline.base.endpoints import Endpoints


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """Settings that must be in place before a platform starts, for ``Backend.up``."""

    env: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Environment variables by node or process. They survive restarts and override the engine's own."""

    @staticmethod
    def merged(preparations: Iterable[Preparation]) -> Preparation:
        """Combine them. Raises ``PlatformError`` if two set one variable to different values."""
        env: dict[str, dict[str, str]] = {}
        for preparation in preparations:
            for node, variables in preparation.env.items():
                known = env.setdefault(node, {})
                for name, value in variables.items():
                    if known.setdefault(name, value) != value:
                        raise PlatformError(
                            f"two faults prepare {node} differently: {name} is {known[name]!r} and {value!r}"
                        )
        return Preparation(env=env)


NO_PREPARATION: Final = Preparation()


class Platform(Protocol):
    """A running platform. Methods that take a node raise ``PlatformError`` for an unknown name."""

    @property
    def id(self) -> str:
        """The id of its instance."""
        ...

    @property
    def endpoints(self) -> Endpoints:
        """The endpoints of its services, for the pipeline."""
        ...

    @property
    def nodes(self) -> tuple[str, ...]:
        """The names of the nodes, in topology order."""
        ...

    @property
    def processes(self) -> Processes:
        """The processes of the harness and the pipeline."""
        ...

    def status(self) -> tuple[NodeStatus, ...]:
        """All nodes, in topology order."""
        ...

    def signal(self, name: str, action: Action) -> None:
        """Kill, pause or resume a node, like ``Targets.signal``."""
        ...

    def process_state(self, name: str) -> ProcessState:
        """Whether the node is running, paused, or ended with all its children."""
        ...

    def start(self, name: str, *, timeout_s: float = 60.0) -> None:
        """Restart a dead node with its data, and wait until it is ready. A no-op while it runs."""
        ...

    def detach(self) -> None:
        """Save the endpoints for other commands, and let the platform outlive this one.

        Nothing else may be called afterwards.
        """
        ...

    def down(self) -> None:
        """Stop the processes, then the nodes in reverse order, and clean up. Idempotent."""
        ...


Capability = Literal["signals", "disks", "network"]
"""What faults may require of a backend: to kill, pause and resume processes; to fill the disk of one node
alone; to delay or cut connections between nodes."""


class Backend(Protocol):
    """Runs platforms."""

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

    def running(self) -> tuple[Instance, ...]:
        """Its platforms that are running or were not cleaned up, oldest first."""
        ...

    def attach(self, identity: str) -> Attached:
        """Attach to one of them, from any command. Raises ``PlatformError`` for an unknown one."""
        ...
