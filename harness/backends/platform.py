"""A running platform: its nodes, run by its backend, and its other processes on this machine."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from harness.backends.attached import Attached, processes_of
from harness.backends.instance import Instance, NodeTimes
from harness.backends.nodes import NodeStarter
from harness.backends.plan import PlannedNode
from harness.backends.protocol import NO_PREPARATION, Preparation
from harness.backends.runner import Nodes
from harness.backends.status import NodeStatus, node_statuses
from harness.base.errors import PlatformError
from harness.base.report import Report
from harness.processes.protocol import Action, ProcessState
from harness.processes.supervisor_client import SupervisorClient
from pipeline.base.endpoints import Endpoints


class SupervisedPlatform:
    """One running instance on any backend."""

    def __init__(
        self,
        *,
        instance: Instance,
        endpoints: Endpoints,
        planned: tuple[PlannedNode, ...],
        runner: Nodes,
        supervisor: SupervisorClient,
        report: Report,
        preparation: Preparation = NO_PREPARATION,
    ) -> None:
        self.id, self.instance, self.endpoints = instance.id, instance, endpoints
        self.nodes = tuple(one.name for one in planned)
        self.processes = processes_of(instance, supervisor)
        self._planned = {one.name: one for one in planned}
        self._runner, self._supervisor, self._report = runner, supervisor, report
        self._starter = NodeStarter(runner=runner, logs=instance.logs, report=report, preparation=preparation)
        self._recording = threading.Lock()
        self._is_down = False

    def status(self) -> tuple[NodeStatus, ...]:
        """All nodes, in topology order."""
        return node_statuses(self.instance, self._runner.status())

    def signal(self, name: str, action: Action) -> None:
        """Kill, pause or resume the node; return once it is killed or paused.

        Raises ``PlatformError`` if it could not be killed or paused, as then no fault took place.
        """
        self._runner.signal(self._known(name).name, action)

    def process_state(self, name: str) -> ProcessState:
        """Whether the node is running, paused or ended. Raises ``PlatformError``."""
        return self._runner.process_state(self._known(name).name)

    def start_all(self, *, timeout_s: float) -> None:
        """Start each node as soon as its dependencies are ready. Raises ``NodeFailed``."""
        self._record(self._starter.start_all(tuple(self._planned.values()), timeout_s=timeout_s))

    def start(self, name: str, *, timeout_s: float = 60.0) -> None:
        """Restart a dead node with its data, and wait until it is ready. Raises ``NodeFailed``."""
        one = self._known(name)
        if not self._runner.ended(name):
            return
        # The node is not ready again until it works.
        with self._recording:
            self.instance = self.instance.without_times(name)
            self.instance.save()
        self._record({name: self._starter.start(one, timeout_s=timeout_s)})

    def detach(self) -> None:
        """Save the endpoints for other commands, and let the platform outlive this one."""
        self.endpoints.save(self.instance.endpoints_file)
        self._supervisor.detach()
        self._supervisor.close()

    def down(self) -> None:
        """Stop everything in reverse order and leave nothing behind. Idempotent."""
        if not self._is_down:
            Attached(self.instance, self._supervisor, self._runner).down(self._report)
            self._is_down = True

    def _known(self, name: str) -> PlannedNode:
        if name not in self._planned:
            raise PlatformError(f"unknown node {name!r}; known: {', '.join(self._planned)}")
        return self._planned[name]

    def _record(self, times: Mapping[str, NodeTimes]) -> None:
        with self._recording:
            self.instance = self.instance.with_times(times).with_keep(self._starter.keep())
            self.instance.save()
