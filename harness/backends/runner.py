"""How nodes are run: the part that every backend writes for itself."""

from __future__ import annotations

from typing import Protocol

from harness.backends.instance import Instance
from harness.backends.plan import PlannedNode
from harness.processes.protocol import Action, ProcessState, ProcessStatus
from harness.services.protocol import Launch


class NodeRunner(Protocol):
    """Starts nodes. Which one is due, and whether it works yet, is decided elsewhere (nodes.py)."""

    def install(self, one: PlannedNode, launch: Launch) -> None:
        """Put the node's files where it will run, once, before its first start."""
        ...

    def run(self, one: PlannedNode, launch: Launch) -> None:
        """Start the node, with its data if it ran before, and return at once. Its log is ``<name>.log``."""
        ...

    def ended(self, name: str) -> str:
        """How the node ended: ``by SIGKILL``; "" while it runs."""
        ...


class Nodes(NodeRunner, Protocol):
    """The nodes of one instance, however they are run. Every method raises ``PlatformError``."""

    def signal(self, name: str, action: Action) -> None:
        """Kill, pause or resume a node; as ``Targets.signal``."""
        ...

    def process_state(self, name: str) -> ProcessState:
        """Whether the node runs, stands still, or has ended with all of its children."""
        ...

    def status(self) -> tuple[ProcessStatus, ...]:
        """Every node that was started; one that runs is ``running``, whether it works or not."""
        ...

    def stop(self, instance: Instance) -> None:
        """Stop every node, dependents first, and keep what they made for the next start. Idempotent."""
        ...
