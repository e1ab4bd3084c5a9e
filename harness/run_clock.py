"""The clock of a run: nanoseconds since its epoch, the same in every process of this machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RunClock:
    """Counts on the machine's monotonic clock, so that a step of the wall clock moves nothing."""

    epoch_unix_ns: int
    epoch_monotonic_ns: int
    monotonic_ns: Callable[[], int] = time.monotonic_ns

    @staticmethod
    def start() -> RunClock:
        """A clock whose epoch is now."""
        return RunClock(epoch_unix_ns=time.time_ns(), epoch_monotonic_ns=time.monotonic_ns())

    def now_ns(self) -> int:
        """Nanoseconds since the epoch."""
        return self.monotonic_ns() - self.epoch_monotonic_ns

    def epoch_utc(self) -> datetime:
        """The epoch as a date and time, UTC."""
        return datetime.fromtimestamp(self.epoch_unix_ns / 1e9, tz=UTC)
