"""A platform whose nodes are processes of this machine."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, Literal

import psutil

from harness.backends.preparation import NO_PREPARATION, Preparation
from harness.backends.process.ending import end_instance
from harness.backends.process.instance import Instance, NodeTimes
from harness.backends.process.nodes import NodeStarter
from harness.backends.process.plan import PlannedNode
from harness.backends.process.status import statuses
from harness.backends.process.supervisor_client import ProcessRow, SupervisorClient
from harness.backends.process.usage import UsageMeter, sessions_of
from harness.backends.protocol import NodeStatus, ProcessState
from harness.base.errors import PlatformError, WaitTimeout
from harness.base.exits import how_ended
from harness.base.report import Report
from harness.base.waiting import wait_until
from pipeline.endpoints import Endpoints

_KILL_TIMEOUT_S: Final = 30.0
_PAUSE_TIMEOUT_S: Final = 5.0


class ProcessPlatform:
    """One running instance. Made by ``ProcessBackend.up``."""

    def __init__(
        self,
        *,
        instance: Instance,
        endpoints: Endpoints,
        planned: tuple[PlannedNode, ...],
        supervisor: SupervisorClient,
        report: Report,
        preparation: Preparation = NO_PREPARATION,
    ) -> None:
        self.endpoints = endpoints
        self.instance, self._supervisor, self._report = instance, supervisor, report
        self._planned = {one.name: one for one in planned}
        self._starter = NodeStarter(
            supervisor=supervisor, logs=instance.logs, report=report, preparation=preparation
        )
        self._spawned: dict[str, Callable[[], ProcessRow]] = {}
        self._meter = UsageMeter()
        self._recording = threading.Lock()
        self._is_down = False

    def status(self) -> tuple[NodeStatus, ...]:
        """Every node, in the order of the topology, then the spawned processes."""
        return statuses(self.instance, self._supervisor.rows(), self._meter)

    def signal(self, node: str, action: Literal["kill", "pause", "resume"]) -> None:
        """Kill, pause or resume the process and its group; returns when it is killed, or is paused.

        Raises ``PlatformError`` where there was nothing to kill or to pause, for then nothing was broken.
        """
        exit_code = self._row(node).exit
        if action != "resume" and exit_code is not None:
            raise PlatformError(f"cannot {action} {node}: it ended before, {how_ended(exit_code)}")
        self._supervisor.signal(node, action)
        if action == "kill":
            self._confirm_killed(node)
        elif action == "pause":
            self._confirm_paused(node)

    def process_state(self, node: str) -> ProcessState:
        """As the kernel has it. Raises ``PlatformError``."""
        row = self._row(node)
        try:
            stopped = row.exit is None and psutil.Process(row.pid).status() == psutil.STATUS_STOPPED
        except psutil.NoSuchProcess:
            stopped = False
        if stopped:
            return "paused"
        return "running" if sessions_of([row.pid]) else "ended"

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
            # Until it works again it is not ready, although it was.
            with self._recording:
                self.instance = self.instance.without_times(node)
                self.instance.save()
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

    def _confirm_killed(self, node: str) -> None:
        try:
            wait_until(
                lambda: self._row(node).exit is not None, timeout_s=_KILL_TIMEOUT_S, what=f"{node} to be gone"
            )
        except WaitTimeout as error:
            raise PlatformError(str(error)) from error
        exit_code = self._row(node).exit
        if exit_code is not None and exit_code != -signal.SIGKILL:
            raise PlatformError(f"{node} ended {how_ended(exit_code)} just before it could be killed")

    def _confirm_paused(self, node: str) -> None:
        def stopped() -> bool:
            row = self._row(node)
            if row.exit is not None:
                raise PlatformError(f"{node} ended {how_ended(row.exit)} before it could be paused")
            return psutil.Process(row.pid).status() == psutil.STATUS_STOPPED

        try:
            # A process that has just ended is gone before its end is known.
            wait_until(
                stopped,
                timeout_s=_PAUSE_TIMEOUT_S,
                what=f"{node} to be paused",
                transient=(psutil.NoSuchProcess,),
                poll_s=0.01,
            )
        except WaitTimeout as error:
            raise PlatformError(str(error)) from error

    def _row(self, name: str) -> ProcessRow:
        rows = {row.name: row for row in self._supervisor.rows()}
        if name not in rows:
            raise PlatformError(f"no node is called {name!r}; there are {', '.join(rows)}")
        return rows[name]

    def _record(self, times: Mapping[str, NodeTimes]) -> None:
        with self._recording:
            self.instance = self.instance.with_times(times).with_keep(self._starter.keep())
            self.instance.save()
