"""How late a load process was through its own fault, sampled twice a second into the table ``generator``.

A process that sends late makes every platform look slow, so what it did not do in time is kept apart from
what its client could not accept: a full queue, or a partition whose last batch is still under way, is
back-pressure of the platform. For what waited through both, the moment when the back-pressure ended decides.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from harness.history.writer import TableWriter

_NS_PER_S: Final = 1_000_000_000
_NS_PER_MS: Final = 1_000_000
_SAMPLE_NS: Final = 450_000_000
"""A little less than the half second at which callers ask, so that no call comes too early."""


class GeneratorMeter:
    """The meter of one process. A sample holds the worst that was noted since the previous one."""

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

    def woke(self, wanted_ns: int, now_ns: int) -> None:
        """The loop that drives the load continues now; it meant to at ``wanted_ns``."""
        self._late_ns = max(self._late_ns, now_ns - wanted_ns)

    def handed_over(self, due_ns: int, now_ns: int, *, blocked_until_ns: int) -> None:
        """What was due is handed to the client now, which could accept nothing until ``blocked_until_ns``."""
        own_since_ns = max(due_ns, blocked_until_ns)
        self._late_ns = max(self._late_ns, now_ns - own_since_ns)
        self.blocked(due_ns, min(own_since_ns, now_ns))

    def blocked(self, due_ns: int, now_ns: int) -> None:
        """What was due still waits, because the client accepts nothing."""
        self._blocked_ns = max(self._blocked_ns, now_ns - due_ns)

    def sample_if_due(self) -> None:
        """Take a sample if the last is half a second old, and write rows that are due."""
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
