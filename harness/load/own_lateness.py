"""Samples a load process's own lateness twice a second into the table ``generator``.

A process that sends late makes every platform look slow, so its own delays are kept apart from back-pressure
of the platform, when its client accepts nothing: the queue is full, or the partition's last batch is still in
flight. Where both delayed an event, own lateness counts from the end of the back-pressure.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from harness.history.writer import TableWriter

_NS_PER_S: Final = 1_000_000_000
_NS_PER_MS: Final = 1_000_000
_SAMPLE_NS: Final = 450_000_000
"""Slightly less than the half second between calls, so that no call comes too early."""


class GeneratorMeter:
    """The meter of one process. A sample holds the worst values since the previous one."""

    def __init__(
        self,
        table: TableWriter,
        worker: str,
        now_ns: Callable[[], int],
        cpu_s: Callable[[], float] = time.process_time,
    ) -> None:
        self._table, self._worker, self._now_ns, self._cpu_s = table, worker, now_ns, cpu_s
        self._late_ns = self._blocked_ns = 0
        self._sampled_ns, self._sampled_cpu_s = now_ns(), cpu_s()

    def woke(self, planned_ns: int, now_ns: int) -> None:
        """Note that the sending loop woke now instead of at ``planned_ns``."""
        self._late_ns = max(self._late_ns, now_ns - planned_ns)

    def handed_over(self, due_ns: int, now_ns: int, *, blocked_until_ns: int) -> None:
        """Note that due events are handed over now; the client accepted none until ``blocked_until_ns``."""
        own_since_ns = max(due_ns, blocked_until_ns)
        self._late_ns = max(self._late_ns, now_ns - own_since_ns)
        self.blocked(due_ns, min(own_since_ns, now_ns))

    def blocked(self, due_ns: int, now_ns: int) -> None:
        """Note that due events still wait because the client accepts nothing."""
        self._blocked_ns = max(self._blocked_ns, now_ns - due_ns)

    def sample_if_due(self) -> None:
        """Take a sample if the last is half a second old, and write the rows that are due."""
        now_ns = self._now_ns()
        if now_ns - self._sampled_ns >= _SAMPLE_NS:
            self._sample(now_ns)
        self._table.flush_if_due()

    def close(self) -> None:
        """Take the last sample."""
        if (now_ns := self._now_ns()) > self._sampled_ns:
            self._sample(now_ns)
        self._table.close()

    def _sample(self, now_ns: int) -> None:
        cpu_s = self._cpu_s()
        wall_s = (now_ns - self._sampled_ns) / _NS_PER_S
        self._table.add(
            at_ns=now_ns,
            worker=self._worker,
            late_ms=self._late_ns / _NS_PER_MS,
            blocked_ms=self._blocked_ns / _NS_PER_MS,
            cpu_share=(cpu_s - self._sampled_cpu_s) / wall_s,
        )
        self._late_ns = self._blocked_ns = 0
        self._sampled_ns, self._sampled_cpu_s = now_ns, cpu_s
