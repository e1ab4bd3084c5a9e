"""Nodes as processes on this machine, under the supervisor of the platform's other processes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from typing import Final

from harness.backends.instance import Instance
from harness.backends.plan import PlannedNode, write_files
from harness.base.errors import how_ended
from harness.processes import signals
from harness.processes.protocol import Action, ProcessState, ProcessStatus
from harness.processes.status import statuses
from harness.processes.stopping import ENDED_IN_ORDER, stop
from harness.processes.supervisor_client import SupervisorClient
from harness.processes.usage import UsageMeter
from harness.services.protocol import Launch

_KEEP_TIMEOUT_S: Final = 60.0
"""For a node that writes files to keep as it exits, which takes seconds."""


class SupervisedNodes:
    """The nodes of one instance."""

    def __init__(self, instance: Instance, supervisor: SupervisorClient) -> None:
        self._supervisor = supervisor
        self._names, self._logs = instance.places.keys(), instance.logs
        self._meter = UsageMeter()

    def install(self, one: PlannedNode, launch: Launch) -> None:
        """Write the node's files, readable only by their owner."""
        one.node.tmp_dir.mkdir(parents=True)
        write_files(launch.files)

    def run(self, one: PlannedNode, launch: Launch) -> None:
        """Start the node's process in its data folder."""
        self._supervisor.spawn(
            one.name,
            launch.argv,
            env={**_base_environment(), **launch.env},
            log=self._logs / f"{one.name}.log",
            cwd=one.node.data_dir,
        )

    def ended(self, name: str) -> str:
        """How the node's process ended; "" while it runs."""
        exit_code = signals.row_of(self._supervisor, name).exit
        return "" if exit_code is None else how_ended(exit_code)

    def signal(self, name: str, action: Action) -> None:
        """Signal the node's process and its group, confirmed by the kernel."""
        signals.send(self._supervisor, name, action)

    def process_state(self, name: str) -> ProcessState:
        """The process state reported by the kernel."""
        return signals.process_state(self._supervisor, name)

    def status(self) -> tuple[ProcessStatus, ...]:
        """All started nodes."""
        rows = [row for row in self._supervisor.rows() if row.name in self._names]
        return statuses(rows, self._meter)

    def stop(self, instance: Instance) -> None:
        """Send SIGTERM to each layer of nodes, and SIGKILL to nodes that do not exit in time."""
        for layer in instance.stop_layers():
            stop(self._supervisor, {name: _stop_timeout_s(instance, name) for name in layer})
        self._keep_files(instance)

    def _keep_files(self, instance: Instance) -> None:
        """Move the files of nodes that exited cleanly. A killed node's files may be incomplete."""
        for row in self._supervisor.rows():
            for made, kept in instance.keep.get(row.name, {}).items():
                if row.exit in ENDED_IN_ORDER and made.is_file():
                    kept.parent.mkdir(parents=True, exist_ok=True)
                    partial = kept.with_suffix(f".{instance.id}.partial")
                    shutil.move(made, partial)
                    partial.replace(kept)


def _stop_timeout_s(instance: Instance, name: str) -> float:
    return _KEEP_TIMEOUT_S if name in instance.keep else instance.places[name].stop_timeout_s


def _base_environment() -> Mapping[str, str]:
    """The part of our environment passed to engines: nothing that would change their behavior."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
