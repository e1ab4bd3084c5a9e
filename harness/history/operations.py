"""Records operations, each as a row of the table ``operations`` and in the worker's latency log."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from harness.base.run_clock import RunClock
from harness.history.latency_log import LatencyLog
from harness.history.process_clocks import record_clocks
from harness.history.writer import TableWriter

Outcome = Literal["ok", "fail", "unknown"]


class OperationsWriter:
    """Records one worker's operations. Not thread-safe.

    A row may stand for many events, which share the earliest intended send, the earliest start and the latest
    completion of them all. So their latencies are never understated, and overstated by at most the time
    between these events: at full rate, the span of a batch.
    """

    def __init__(self, history: Path, worker: str, clock: RunClock) -> None:
        self._table = TableWriter(history, "operations", worker)
        self._latencies = LatencyLog(history, worker, clock)
        self._history, self._worker, self._clock = history, worker, clock
        record_clocks(history, worker, clock)

    def add(
        self,
        *,
        kind: str,
        first_seq: int,
        last_seq: int,
        partition: int,
        count: int,
        bytes: int,
        intended_ns: int | None,
        started_ns: int,
        completed_ns: int,
        outcome: Outcome,
        error: str,
    ) -> None:
        """Record a row; see harness/history/schema.py for its fields.

        ``intended_ns`` is None without an intended time: wait and response would be those of a closed loop.
        """
        from_ns = started_ns if intended_ns is None else intended_ns
        self._table.add(
            kind=kind,
            worker=self._worker,
            first_seq=first_seq,
            last_seq=last_seq,
            partition=partition,
            count=count,
            bytes=bytes,
            intended_ns=from_ns,
            started_ns=started_ns,
            completed_ns=completed_ns,
            outcome=outcome,
            error=error,
        )
        if outcome != "ok":
            self._latencies.record(f"{kind}.{outcome}", completed_ns - from_ns, count)
            return
        self._latencies.record(f"{kind}.service", completed_ns - started_ns, count)
        if intended_ns is not None:
            self._latencies.record(f"{kind}.wait", started_ns - intended_ns, count)
            self._latencies.record(f"{kind}.response", completed_ns - intended_ns, count)

    def flush_if_due(self) -> None:
        """Write what has been buffered for about a second."""
        self._table.flush_if_due()
        self._latencies.flush_if_due()

    def close(self) -> None:
        """Write what is buffered, and the clocks once more."""
        self._table.close()
        self._latencies.close()
        record_clocks(self._history, self._worker, self._clock)
