"""Finds and kills the processes of an instance whose supervisor is no longer there to do it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from harness.base.errors import PlatformError, WaitTimeout
from harness.base.waiting import wait_until
from harness.processes.supervisor import MARK

_KILL_TIMEOUT_S: Final = 90.0


def kill_marked(instance_id: str) -> None:
    """Kill every process that carries the instance's mark in its environment.

    Needed only where the supervisor was killed. The handle is taken before the mark is read, so a process
    whose number was reused in between is never hit. Raises ``PlatformError``.
    """

    def none_left() -> bool:
        found = [handle for pid in _processes() if (handle := _marked(pid, instance_id)) is not None]
        for handle in found:
            _kill(handle)
        return not found

    try:
        wait_until(none_left, timeout_s=_KILL_TIMEOUT_S, what=f"the processes of {instance_id} to end")
    except WaitTimeout as error:
        raise PlatformError(str(error)) from error


def _processes() -> Iterator[int]:
    for entry in os.scandir("/proc"):
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            yield int(entry.name)


def _marked(pid: int, instance_id: str) -> int | None:
    """A handle on the process if it carries the mark. A zombie has no environment, and needs no killing."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return None
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:  # it has ended, or belongs to another user and so is not ours
        environment = []
    if f"{MARK}={instance_id}".encode() in environment:
        return handle
    os.close(handle)
    return None


def _kill(handle: int) -> None:
    try:
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    except ProcessLookupError:
        return
    finally:
        os.close(handle)
