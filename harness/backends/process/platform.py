"""A platform whose nodes are processes of this machine."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, Literal

from harness.backends.process.ending import end_instance
from harness.backends.process.instance import Instance, NodeTimes
from harness.backends.process.nodes import NodeStarter
from harness.backends.process.plan import PlannedNode, endpoints
from harness.backends.process.status import statuses
from harness.backends.process.supervisor_client import ProcessRow, SupervisorClient
from harness.backends.process.usage import UsageMeter
from harness.backends.protocol import NodeStatus, Report
from harness.errors import PlatformError
from harness.waiting import wait_until

_KILL_TIMEOUT_S: Final = 30.0


class ProcessPlatform:
    """One running instance. Made by ``ProcessBackend.up``."""

    def __init__(
        self,
        *,
        instance: Instance,
        planned: tuple[PlannedNode, ...],
        supervisor: SupervisorClient,
        report: Report,
    ) -> None:
        self.endpoints = endpoints(planned)
        self.instance, self._supervisor, self._report = instance, supervisor, report
        self._planned = {one.name: one for one in planned}
        self._starter = NodeStarter(supervisor=supervisor, logs=instance.logs, report=report)
        self._spawned: dict[str, Callable[[], ProcessRow]] = {}
        self._meter = UsageMeter()
        self._recording = threading.Lock()
        self._is_down = False

    def status(self) -> tuple[NodeStatus, ...]:
        """Every node, in the order of the topology, then the spawned processes."""
        return statuses(self.instance, self._supervisor.rows(), self._meter)

    def signal(self, node: str, action: Literal["kill", "pause", "resume"]) -> None:
        """Kill, pause or resume the process and its group. A kill returns when the process is gone."""
        self._row(node)
        self._supervisor.signal(node, action)
        if action == "kill":
            wait_until(
                lambda: self._row(node).exit is not None, timeout_s=_KILL_TIMEOUT_S, what=f"{node} to be gone"
            )

    def start_all(self, *, timeout_s: float) -> None:
        """Start every node, each as soon as those that it needs are ready. Raises ``NodeFailed``."""
        self._record(self._starter.start_all(tuple(self._planned.values()), timeout_s=timeout_s))

    def start(self, node: str, *, timeout_s: float = 60.0) -> None:
        """Start a dead node again with its data, and wait until it is ready. Raises ``NodeFailed``.

        A process that was spawned is spawned again as it was; there is nothing to wait for.
        """
        if self._row(node).exit is None:
            return
        if node in self._spawned:
            self._spawned[node]()
        else:
            self._record({node: self._starter.start(self._planned[node], timeout_s=timeout_s)})

    def spawn(self, name: str, argv: Sequence[str], *, env: Mapping[str, str] = {}) -> None:
        """Run a process of the pipeline or of the load beside the nodes; it dies with the platform."""
        if name in self._planned:
            raise PlatformError(f"{name!r} is the name of a node")
        again = partial(
            self._supervisor.spawn,
            name,
            tuple(argv),
            env={**os.environ, **env},
            log=self.instance.logs / f"{name}.log",
            cwd=Path.cwd(),
        )
        again()
        self._spawned[name] = again

    def detach(self) -> None:
        """Let the platform outlive this process, until somebody ends it."""
        self._supervisor.detach()

    def down(self) -> None:
        """Stop everything in reverse order and leave nothing behind. Idempotent."""
        if not self._is_down:
            end_instance(self.instance, self._supervisor, self._report)
            self._is_down = True

    def _row(self, name: str) -> ProcessRow:
        rows = {row.name: row for row in self._supervisor.rows()}
        if name not in rows:
            raise PlatformError(f"no node is called {name!r}; there are {', '.join(rows)}")
        return rows[name]

    def _record(self, times: Mapping[str, NodeTimes]) -> None:
        with self._recording:
            self.instance = self.instance.with_times(times).with_keep(self._starter.keep())
            self.instance.save()
