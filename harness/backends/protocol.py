"""What a backend gives: a running platform whose nodes can be started, broken and healed."""

from __future__ import annotations

from collections.abc import Set
from pathlib import Path
from typing import Literal, Protocol

from harness.backends.attached import Attached
from harness.backends.instance import Instance
from harness.backends.preparation import NO_PREPARATION, Preparation
from harness.backends.status import NodeStatus
from harness.base.report import Report
from harness.processes.protocol import Action, Processes, ProcessState
from harness.scenario.topology import Topology
from pipeline.base.endpoints import Endpoints


class Platform(Protocol):
    """A platform that runs. Methods that name a node raise ``PlatformError`` for any other name."""

    @property
    def id(self) -> str:
        """Its instance's."""
        ...

    @property
    def endpoints(self) -> Endpoints:
        """Where the pipeline finds its services."""
        ...

    @property
    def nodes(self) -> tuple[str, ...]:
        """The names of the nodes, in the order of the topology."""
        ...

    @property
    def processes(self) -> Processes:
        """What the harness and the pipeline run beside the nodes."""
        ...

    def status(self) -> tuple[NodeStatus, ...]:
        """Every node, in the order of the topology."""
        ...

    def signal(self, name: str, action: Action) -> None:
        """Kill, pause or resume a node; as ``Targets.signal``."""
        ...

    def process_state(self, name: str) -> ProcessState:
        """Whether the node runs, stands still, or has ended with all of its children."""
        ...

    def start(self, name: str, *, timeout_s: float = 60.0) -> None:
        """Start a dead node again with its data, and wait until it is ready. A no-op while it runs."""
        ...

    def detach(self) -> None:
        """Leave the platform to other commands, which find its endpoints; it outlives this one.

        Nothing more is asked of it here.
        """
        ...

    def down(self) -> None:
        """Stop the processes, then the nodes in reverse order, and leave nothing behind. Idempotent."""
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

    def running(self) -> tuple[Instance, ...]:
        """Its platforms that run, or ran and were not cleaned up, oldest first."""
        ...

    def attach(self, identity: str) -> Attached:
        """Attach to one of those, from any command. Raises ``PlatformError`` for an unknown one."""
        ...
