"""An instance as seen by any command, not only the one that started it: status and teardown."""

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
"""Left running by ``floodmark up``, in use by a running command, or without a supervisor."""


class Attached:
    """A connection to a running instance. Leaving the context closes only the connection."""

    def __init__(self, instance: Instance, supervisor: SupervisorClient | None, nodes: Nodes | None) -> None:
        """``supervisor`` and ``nodes`` are None if they can no longer be reached."""
        self.instance, self._supervisor, self._nodes = instance, supervisor, nodes
        self._processes = None if supervisor is None else processes_of(instance, supervisor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._supervisor is not None:
            self._supervisor.close()

    @property
    def state(self) -> InstanceState:
        """Whether and how the instance is used. Raises ``PlatformError``."""
        if self._supervisor is None:
            return "dead"
        return "up" if self._supervisor.is_detached() else "in use"

    def status(self) -> tuple[ProcessStatus, ...]:
        """All nodes in topology order, then all processes; empty if it is dead."""
        nodes = () if self._nodes is None else node_statuses(self.instance, self._nodes.status())
        return (*nodes, *(() if self._processes is None else self._processes.status()))

    def down(self, report: Report) -> None:
        """Stop everything, dependents first; then kill what is left, and remove data and record."""
        problems = [_attempt(step) for step in self._stops()]
        for problem in dict.fromkeys(filter(None, problems)):
            report(f"{self.instance.id}: {problem}")
        kill_marked(self.instance.id)
        if self._supervisor is not None:
            self._supervisor.close()
        self.instance.remove_folders()

    def _stops(self) -> Sequence[Callable[[], None]]:
        """The steps in order. A failing step must not prevent the others."""
        stops: list[Callable[[], None]] = []
        if self._processes is not None:
            stops.append(self._processes.stop)
        if (nodes := self._nodes) is not None:
            stops.append(lambda: nodes.stop(self.instance))
        if self._supervisor is not None:
            stops.append(self._supervisor.end)
        return stops


def processes_of(instance: Instance, supervisor: SupervisorClient) -> SupervisedProcesses:
    """The instance's processes other than nodes."""
    return SupervisedProcesses(supervisor, logs=instance.logs, nodes=instance.places.keys())


def _attempt(step: Callable[[], None]) -> str:
    """Run the step; return its error, or ""."""
    try:
        step()
    except PlatformError as error:
        return str(error)
    return ""
