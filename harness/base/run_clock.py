"""The clock of a run: nanoseconds since its epoch, the same in every process of this machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

_READINGS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class RunClock:
    """Counts on the machine's monotonic clock, so that a step of the wall clock has no effect."""

    epoch_unix_ns: int
    epoch_monotonic_ns: int
    monotonic_ns: Callable[[], int] = time.monotonic_ns
    unix_ns: Callable[[], int] = time.time_ns
    """The wall clock, which may be set at any moment."""

    @staticmethod
    def start() -> RunClock:
        """A clock whose epoch is now."""
        return RunClock(epoch_unix_ns=time.time_ns(), epoch_monotonic_ns=time.monotonic_ns())

    def now_ns(self) -> int:
        """Nanoseconds since the epoch."""
        return self.monotonic_ns() - self.epoch_monotonic_ns

    def both_ns(self) -> tuple[int, int]:
        """Nanoseconds since the epoch and, at the same moment, the wall clock's since 1970.

        The process may be preempted between two readings, so the closest of a few is returned.
        """
        readings = [(self.now_ns(), self.unix_ns(), self.now_ns()) for _ in range(_READINGS)]
        before_ns, unix_ns, after_ns = min(readings, key=lambda reading: reading[2] - reading[0])
        return (before_ns + after_ns) // 2, unix_ns

    def epoch_utc(self) -> datetime:
        """The epoch as a date and time, UTC."""
        return datetime.fromtimestamp(self.epoch_unix_ns / 1e9, tz=UTC)
