"""Records operations: a row of the table ``operations`` and its latencies, wherever they were carried out."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from harness.base.run_clock import RunClock
from harness.history.latency_log import LatencyLog
from harness.history.process_clocks import note_clocks
from harness.history.writer import TableWriter

Outcome = Literal["ok", "fail", "unknown"]


class OperationsWriter:
    """One worker's operations. Not safe to share between threads.

    A row may stand for many events, which then have one start and one completion: the earliest intended send,
    the earliest start and the latest completion of them all. So the latencies of its events are never told
    too short, and too long by no more than its events lie apart: at a full rate that is the span of a batch.
    """

    def __init__(self, history: Path, worker: str, clock: RunClock) -> None:
        self._table = TableWriter(history, "operations", worker)
        self._latencies = LatencyLog(history, worker, clock)
        self._history, self._worker, self._clock = history, worker, clock
        note_clocks(history, worker, clock)

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

        ``intended_ns`` is None where no moment was meant: wait and response would be a closed loop's.
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
        """Write what has waited for about a second."""
        self._table.flush_if_due()
        self._latencies.flush_if_due()

    def close(self) -> None:
        """Write what waits."""
        self._table.close()
        self._latencies.close()
        note_clocks(self._history, self._worker, self._clock)
