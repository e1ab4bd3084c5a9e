"""Signals to supervised processes, each confirmed by what the kernel then says about the process."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Final

import psutil

from harness.base.errors import PlatformError, WaitTimeout, how_ended
from harness.base.waiting import wait_until
from harness.processes.protocol import Action, ProcessState
from harness.processes.supervisor_client import ProcessRow, SupervisorClient
from harness.processes.usage import sessions_of

_KILL_TIMEOUT_S: Final = 30.0
_PAUSE_TIMEOUT_S: Final = 5.0


def send(supervisor: SupervisorClient, name: str, action: Action) -> None:
    """Kill, pause or resume a process and its group; return once it is killed, or paused.

    Raises ``PlatformError`` where there was nothing to kill or to pause, for then nothing was broken.
    """
    exit_code = row_of(supervisor, name).exit
    if action != "resume" and exit_code is not None:
        raise PlatformError(f"cannot {action} {name}: it has already ended, {how_ended(exit_code)}")
    supervisor.signal(name, action)
    if action == "kill":
        _confirm_killed(supervisor, name)
    elif action == "pause":
        _confirm_paused(supervisor, name)


def process_state(supervisor: SupervisorClient, name: str) -> ProcessState:
    """As the kernel reports it. Raises ``PlatformError``."""
    row = row_of(supervisor, name)
    try:
        stopped = row.exit is None and psutil.Process(row.pid).status() == psutil.STATUS_STOPPED
    except psutil.NoSuchProcess:
        stopped = False
    if stopped:
        return "paused"
    return "running" if sessions_of([row.pid]) else "ended"


def row_of(supervisor: SupervisorClient, name: str) -> ProcessRow:
    """What the supervisor knows about a process. Raises ``PlatformError`` for one that was never started."""
    rows = {row.name: row for row in supervisor.rows()}
    if name not in rows:
        raise PlatformError(f"nothing is called {name!r}; there are {', '.join(sorted(rows))}")
    return rows[name]


def _confirm_killed(supervisor: SupervisorClient, name: str) -> None:
    def killed() -> bool:
        return row_of(supervisor, name).exit is not None

    _await(killed, f"{name} to be gone", timeout_s=_KILL_TIMEOUT_S)
    exit_code = row_of(supervisor, name).exit
    if exit_code is not None and exit_code != -signal.SIGKILL:
        raise PlatformError(f"{name} ended {how_ended(exit_code)} just before it could be killed")


def _confirm_paused(supervisor: SupervisorClient, name: str) -> None:
    def stopped() -> bool:
        row = row_of(supervisor, name)
        if row.exit is not None:
            raise PlatformError(f"{name} ended {how_ended(row.exit)} before it could be paused")
        return psutil.Process(row.pid).status() == psutil.STATUS_STOPPED

    _await(stopped, f"{name} to be paused", timeout_s=_PAUSE_TIMEOUT_S)


def _await(condition: Callable[[], bool], what: str, *, timeout_s: float) -> None:
    try:
        # A process that has just ended is gone before its end is known.
        wait_until(condition, timeout_s=timeout_s, what=what, transient=(psutil.NoSuchProcess,), poll_s=0.01)
    except WaitTimeout as error:
        raise PlatformError(str(error)) from error
