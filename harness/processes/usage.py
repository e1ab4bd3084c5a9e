"""How much memory and processor time supervised processes use."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

import psutil

T = TypeVar("T", int, float)

_TIME_EVERY_S: Final = 0.9
"""Statuses are read more often than that, to see whether something lives."""
_MEMORY_EVERY_S: Final = 4.9
"""Measuring memory costs the kernel milliseconds per process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a process and its children use."""

    memory_bytes: int = 0
    """The proportional set size: pages shared by several processes, such as an archive of classes, count once
    in total."""
    cpu_s: float = 0.0
    """Processor time since the start."""


class UsageMeter:
    """Measures processes by the sessions that they lead: time every second, memory every five."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._timed_s = self._weighed_s = float("-inf")
        self._leaders: frozenset[int] = frozenset()
        self._memory_bytes: Mapping[int, int] = {}
        self._usages: Mapping[int, Usage] = {}

    def measure(self, leaders: Collection[int]) -> Mapping[int, Usage]:
        """The usage of each session by its leader's process number. One that has ended is left out."""
        wanted, now_s = frozenset(leaders), self._clock()
        if wanted != self._leaders:
            self._leaders, self._timed_s, self._weighed_s = wanted, float("-inf"), float("-inf")
        if now_s - self._timed_s >= _TIME_EVERY_S:
            sessions = sessions_of(wanted)
            if now_s - self._weighed_s >= _MEMORY_EVERY_S:
                self._memory_bytes = {leader: _memory_bytes(members) for leader, members in sessions.items()}
                self._weighed_s = now_s
            self._usages = {
                leader: Usage(memory_bytes=self._memory_bytes.get(leader, 0), cpu_s=_cpu_s(members))
                for leader, members in sessions.items()
            }
            self._timed_s = now_s
        return self._usages


def sessions_of(leaders: Collection[int]) -> Mapping[int, list[int]]:
    """The processes of each session that has any, by its leader, which itself may have ended."""
    members = defaultdict(list)
    for pid in psutil.pids():
        try:
            session = os.getsid(pid)
        except ProcessLookupError:
            continue  # it ended while we looked
        if session in leaders:
            members[session].append(pid)
    return members


def _memory_bytes(members: Collection[int]) -> int:
    return sum(_of_each(members, lambda process: int(process.memory_full_info().pss)))


def _cpu_s(members: Collection[int]) -> float:
    return sum(_of_each(members, lambda process: sum(process.cpu_times()[:2])))


def _of_each(members: Collection[int], measure: Callable[[psutil.Process], T]) -> Iterator[T]:
    for pid in members:
        try:
            yield measure(psutil.Process(pid))
        except psutil.NoSuchProcess:
            continue  # it ended while we looked
