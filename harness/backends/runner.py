"""The interface for running nodes, which every backend implements."""

from __future__ import annotations

from typing import Protocol

from harness.backends.instance import Instance
from harness.backends.plan import PlannedNode
from harness.processes.protocol import Action, ProcessState, ProcessStatus
from harness.services.protocol import Launch


class NodeRunner(Protocol):
    """Starts nodes. Their order and readiness are decided in nodes.py."""

    def install(self, one: PlannedNode, launch: Launch) -> None:
        """Put the node's files in place, once, before its first start."""
        ...

    def run(self, one: PlannedNode, launch: Launch) -> None:
        """Start the node, with any data from before, and return at once. Its log is ``<name>.log``."""
        ...

    def ended(self, name: str) -> str:
        """How the node ended: ``by SIGKILL``; "" while it runs."""
        ...


class Nodes(NodeRunner, Protocol):
    """The nodes of one instance. Every method raises ``PlatformError``."""

    def signal(self, name: str, action: Action) -> None:
        """Kill, pause or resume a node, like ``Targets.signal``."""
        ...

    def process_state(self, name: str) -> ProcessState:
        """Whether the node is running, paused, or ended with all its children."""
        ...

    def status(self) -> tuple[ProcessStatus, ...]:
        """All started nodes; a running one is ``running`` whether it works or not."""
        ...

    def stop(self, instance: Instance) -> None:
        """Stop every node, dependents first, and keep their files for the next start. Idempotent."""
        ...
