"""Records record batches: a row of ``operations`` for each."""

from __future__ import annotations

from harness.load.send.record import SendRecord
from harness.load.send.record_batches.completion import Completion


class RecordBatchesRecord(SendRecord):
    """Takes completions as they come in."""

    def add(self, done: Completion) -> None:
        """Record one batch. Its events are numbered across all repetitions of the trace."""
        self._events[done.outcome] += done.count
        from_ns = done.started_ns if done.intended_ns is None else done.intended_ns
        response_ms = (done.completed_ns - from_ns) // 1_000_000
        self._tally.add(done.count, done.bytes, response_ms, done.error)
        self._writer.add(
            kind="produce",
            first_seq=done.first_number,
            last_seq=done.first_number + done.count - 1,
            partition=done.partition,
            count=done.count,
            bytes=done.bytes,
            intended_ns=done.intended_ns,
            started_ns=done.started_ns,
            completed_ns=done.completed_ns,
            outcome=done.outcome,
            error=done.error,
        )
