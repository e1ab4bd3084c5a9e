"""The harness's and the pipeline's own processes, under the supervisor of their platform."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from harness.base.errors import PlatformError
from harness.processes import signals
from harness.processes.protocol import Action, ProcessState, ProcessStatus
from harness.processes.status import statuses
from harness.processes.stopping import stop
from harness.processes.supervisor_client import ProcessRow, SupervisorClient
from harness.processes.usage import UsageMeter

_STOP_TIMEOUT_S: Final = 5.0


class SupervisedProcesses:
    """Everything that a supervisor holds, except what bears the name of a node."""

    def __init__(self, supervisor: SupervisorClient, *, logs: Path, nodes: Collection[str]) -> None:
        self._supervisor, self._logs, self._nodes = supervisor, logs, nodes
        self._again: dict[str, Callable[[], object]] = {}
        self._meter = UsageMeter()

    def spawn(self, name: str, argv: Sequence[str], *, env: Mapping[str, str] = {}) -> None:
        """Start a process; it writes into ``<name>.log``."""
        if name in self._nodes:
            raise PlatformError(f"{name!r} is the name of a node")
        again = partial(
            self._supervisor.spawn,
            name,
            tuple(argv),
            env={**os.environ, **env},
            log=self._logs / f"{name}.log",
            cwd=Path.cwd(),
        )
        again()
        self._again[name] = again

    def signal(self, name: str, action: Action) -> None:
        """Kill, pause or resume a process and its group, confirmed by the kernel."""
        signals.send(self._supervisor, self._own(name), action)

    def process_state(self, name: str) -> ProcessState:
        """As the kernel reports it."""
        return signals.process_state(self._supervisor, self._own(name))

    def start(self, name: str, *, timeout_s: float = 60.0) -> None:
        """Spawn a process that has ended again, as it was; there is nothing to wait for."""
        if signals.row_of(self._supervisor, self._own(name)).exit is None:
            return
        if name not in self._again:
            raise PlatformError(f"{name} was spawned by another command, which alone can start it again")
        self._again[name]()

    def status(self) -> tuple[ProcessStatus, ...]:
        """Every process that was spawned, in the order of their first start."""
        return statuses(self._rows(), self._meter)

    def stop(self) -> None:
        """SIGTERM to all, and SIGKILL to each that does not heed it in time. Raises ``PlatformError``."""
        if names := [row.name for row in self._rows()]:
            stop(self._supervisor, dict.fromkeys(names, _STOP_TIMEOUT_S))

    def _rows(self) -> Sequence[ProcessRow]:
        return [row for row in self._supervisor.rows() if row.name not in self._nodes]

    def _own(self, name: str) -> str:
        if name in self._nodes:
            raise PlatformError(f"{name!r} is a node, not a process beside the nodes")
        return name
