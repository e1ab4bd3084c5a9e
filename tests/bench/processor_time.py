"""How much processor time the nodes of a platform take."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import psutil

from harness.backends.protocol import Platform
from harness.base.errors import PlatformError

_QUIET_S: Final = 0.1
"""Less than so much processor time a second is what a node takes that has nothing to do."""


@dataclass(frozen=True, slots=True)
class ProcessorMeter:
    """Reads the processor time, user and system, of the processes of some nodes."""

    processes: Mapping[str, psutil.Process]

    @staticmethod
    def of(platform: Platform, nodes: Collection[str]) -> ProcessorMeter:
        """A meter of these nodes. Raises ``PlatformError`` for one that does not run."""
        pids = {status.name: status.pid for status in platform.status()}
        processes = {}
        for node in nodes:
            pid = pids.get(node)
            if pid is None:
                raise PlatformError(f"{node} does not run")
            processes[node] = psutil.Process(pid)
        return ProcessorMeter(processes)

    def used_s(self) -> dict[str, float]:
        """Seconds since each node's start. Raises ``PlatformError`` when one has ended."""
        used = {}
        for node, process in self.processes.items():
            try:
                times = process.cpu_times()
            except psutil.NoSuchProcess as error:
                raise PlatformError(f"{node} has ended") from error
            used[node] = times.user + times.system
        return used

    def wait_until_quiet(self, *, timeout_s: float = 20.0) -> None:
        """Let what the last work left behind (compiling, deleting) end, so that the next does not pay for it.

        Goes on after the time-out: a node that never rests has no less to do later.
        """
        deadline_s = time.monotonic() + timeout_s
        before = self.used_s()
        while time.monotonic() < deadline_s:
            time.sleep(1.0)
            now = self.used_s()
            if all(now[node] - before[node] < _QUIET_S for node in now):
                return
            before = now
