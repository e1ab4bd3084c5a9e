"""How much memory and processor time a node's processes use."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

import psutil

_REFRESH_S: Final = 4.9
"""Measuring takes the kernel milliseconds a node, and whoever asks whether a node lives asks often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Of a node's process and its children."""

    memory_bytes: int = 0
    """The proportional set size: pages that several nodes share, such as an archive of classes, count once
    over all of them."""
    cpu_s: float = 0.0
    """Processor time since the start."""


class UsageMeter:
    """Measures processes by their session, which each node leads; at most every five seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._measured: tuple[float, frozenset[int], Mapping[int, Usage]] | None = None

    def measure(self, leaders: Collection[int]) -> Mapping[int, Usage]:
        """The usage of each session by its leader's process number. One that has ended is left out."""
        wanted, now_s = frozenset(leaders), self._clock()
        if self._measured is not None:
            measured_s, measured, usages = self._measured
            if measured == wanted and now_s - measured_s < _REFRESH_S:
                return usages
        usages = {leader: _usage(members) for leader, members in _sessions(wanted).items()}
        self._measured = now_s, wanted, usages
        return usages


def _sessions(leaders: Collection[int]) -> Mapping[int, list[int]]:
    members = defaultdict(list)
    for pid in psutil.pids():
        try:
            session = os.getsid(pid)
        except ProcessLookupError:
            continue  # it ended while we looked
        if session in leaders:
            members[session].append(pid)
    return members


def _usage(members: Collection[int]) -> Usage:
    memory_bytes, cpu_s = 0, 0.0
    for pid in members:
        try:
            process = psutil.Process(pid)
            times = process.cpu_times()
            memory_bytes += process.memory_full_info().pss
            cpu_s += times.user + times.system
        except psutil.NoSuchProcess:
            continue  # it ended while we looked
    return Usage(memory_bytes=memory_bytes, cpu_s=cpu_s)
