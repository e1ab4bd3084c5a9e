"""An instance as any command sees it, whichever one started it: what runs, and how to end it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, Self

from harness.backends.instance import Instance
from harness.backends.runner import Nodes
from harness.backends.status import node_statuses
from harness.base.errors import PlatformError
from harness.base.report import Report
from harness.processes.processes import SupervisedProcesses
from harness.processes.protocol import ProcessStatus
from harness.processes.strays import kill_marked
from harness.processes.supervisor_client import SupervisorClient

InstanceState = Literal["up", "in use", "dead"]
"""Left running by ``floodmark up``, used by a command that still runs, or without a supervisor."""


class Attached:
    """A conversation with a running instance. As a context, it ends the conversation and nothing else."""

    def __init__(self, instance: Instance, supervisor: SupervisorClient | None, nodes: Nodes | None) -> None:
        """``supervisor`` and ``nodes`` are None where they can no longer be reached."""
        self.instance, self._supervisor, self._nodes = instance, supervisor, nodes
        self._processes = None if supervisor is None else processes_of(instance, supervisor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._supervisor is not None:
            self._supervisor.close()

    @property
    def state(self) -> InstanceState:
        """Who uses it. Raises ``PlatformError``."""
        if self._supervisor is None:
            return "dead"
        return "up" if self._supervisor.is_detached() else "in use"

    def status(self) -> tuple[ProcessStatus, ...]:
        """Every node, in the order of the topology, then every process; nothing if it is dead."""
        nodes = () if self._nodes is None else node_statuses(self.instance, self._nodes.status())
        return (*nodes, *(() if self._processes is None else self._processes.status()))

    def down(self, report: Report) -> None:
        """Stop what runs, dependents first; then kill what is left, and remove data and record."""
        problems = [_attempt(step) for step in self._stops()]
        for problem in dict.fromkeys(filter(None, problems)):
            report(f"{self.instance.id}: {problem}")
        kill_marked(self.instance.id)
        if self._supervisor is not None:
            self._supervisor.close()
        self.instance.remove_folders()

    def _stops(self) -> Sequence[Callable[[], None]]:
        """In order. A failing one does not keep the others from being tried."""
        stops: list[Callable[[], None]] = []
        if self._processes is not None:
            stops.append(self._processes.stop)
        if (nodes := self._nodes) is not None:
            stops.append(lambda: nodes.stop(self.instance))
        if self._supervisor is not None:
            stops.append(self._supervisor.end)
        return stops


def processes_of(instance: Instance, supervisor: SupervisorClient) -> SupervisedProcesses:
    """The processes of an instance beside its nodes."""
    return SupervisedProcesses(supervisor, logs=instance.logs, nodes=instance.places.keys())


def _attempt(step: Callable[[], None]) -> str:
    """What went wrong; "" when nothing did."""
    try:
        step()
    except PlatformError as error:
        return str(error)
    return ""
