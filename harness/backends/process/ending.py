"""Ends an instance, whatever state it is in, and nothing else."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from harness.backends.process.instance import Instance
from harness.backends.process.supervisor import MARK
from harness.backends.process.supervisor_client import SupervisorClient
from harness.base.errors import PlatformError, WaitTimeout
from harness.base.report import Report
from harness.base.waiting import wait_until

_SPAWNED_STOP_TIMEOUT_S: Final = 5.0
_KEEP_TIMEOUT_S: Final = 60.0
"""Of a node that writes something worth keeping at its end, for which it takes seconds."""
_KILL_TIMEOUT_S: Final = 90.0
ENDED_IN_ORDER: Final = frozenset({0, -15, 143})
"""Exit codes after SIGTERM: of one that ends by itself, of one that does not handle it, and of Java."""


def end_instance(instance: Instance, supervisor: SupervisorClient | None, report: Report) -> None:
    """Stop what runs, dependents first; then kill what is left, and remove data and record."""
    if supervisor is not None:
        try:
            for layer in stop_layers(instance, [row.name for row in supervisor.rows()]):
                _stop(supervisor, layer, instance)
            _keep_files(supervisor, instance)
            supervisor.end()
        except PlatformError as error:
            report(f"{instance.id}: {error}")
    kill_marked(instance.id)
    if supervisor is not None:
        supervisor.close()
    instance.remove_folders()


def stop_layers(instance: Instance, running: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """First what was spawned beside the nodes, then the nodes that no other one needs, and so on."""
    left = {name: set(place.waits_for) for name, place in instance.places.items()}
    spawned = tuple(name for name in running if name not in left)
    if spawned:
        yield spawned
    while left:
        needed = set().union(*left.values())
        layer = tuple(name for name in left if name not in needed)
        yield layer
        for name in layer:
            del left[name]


def _keep_files(supervisor: SupervisorClient, instance: Instance) -> None:
    """Move what nodes that ended in order have made. A file of one that was killed may be half written."""
    for row in supervisor.rows():
        for made, kept in instance.keep.get(row.name, {}).items():
            if row.exit in ENDED_IN_ORDER and made.is_file():
                kept.parent.mkdir(parents=True, exist_ok=True)
                partial = kept.with_suffix(f".{instance.id}.partial")
                shutil.move(made, partial)
                partial.replace(kept)


def _stop(supervisor: SupervisorClient, layer: tuple[str, ...], instance: Instance) -> None:
    """SIGTERM to all of them at once, and SIGKILL to each that does not heed it in time."""
    known = {row.name for row in supervisor.rows()}
    deadlines_s = {}
    for name in known.intersection(layer):
        deadlines_s[name] = time.monotonic() + _stop_timeout_s(instance, name)
        supervisor.signal(name, "terminate")
        supervisor.signal(name, "resume")  # a paused process would not see the signal

    def all_ended() -> bool:
        alive = {row.name for row in supervisor.rows() if row.exit is None} & deadlines_s.keys()
        for name in alive:
            if time.monotonic() >= deadlines_s[name]:
                supervisor.signal(name, "kill")
        return not alive

    try:
        wait_until(all_ended, timeout_s=_KILL_TIMEOUT_S, what=f"{', '.join(layer)} to end")
    except WaitTimeout as error:
        raise PlatformError(str(error)) from error


def _stop_timeout_s(instance: Instance, name: str) -> float:
    if name in instance.keep:
        return _KEEP_TIMEOUT_S
    return instance.places[name].stop_timeout_s if name in instance.places else _SPAWNED_STOP_TIMEOUT_S


def kill_marked(instance_id: str) -> None:
    """Kill every process that carries the instance's mark in its environment.

    Needed only where the supervisor was killed. The handle is taken before the mark is read, so a process
    whose number was given to another one in between is never hit. Raises ``PlatformError``.
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
    except OSError:  # it has ended, or belongs to another user and so is none of ours
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
