"""What a replay at wire speed writes down: an operation a batch, and its progress."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from harness.history.operations import OperationsWriter
from harness.history.progress import LoadProgress, LoadState
from harness.load.send.record_batches.completion import Completion
from harness.load.tally import Tally


class WireRecord:
    """Takes completions, as they come."""

    def __init__(
        self, writer: OperationsWriter, progress_file: Path, *, total: int, workers: int = 1
    ) -> None:
        self._writer, self._progress_file = writer, progress_file
        self._total, self._workers = total, workers
        self._events: Counter[str] = Counter()
        self._tally = Tally()

    def add(self, done: Completion) -> None:
        """One batch. Its events are numbered through all repetitions of the trace."""
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

    def take_tally(self) -> Tally:
        """What was counted since the last call."""
        tally, self._tally = self._tally, Tally()
        return tally

    def save(self, state: LoadState, at_ns: int, *, behind_ms: float = 0.0) -> None:
        """Write what waits, and the progress."""
        self._writer.flush_if_due()
        LoadProgress(
            state=state,
            at_ns=at_ns,
            sent=sum(self._events.values()),
            acknowledged=self._events["ok"],
            unknown=self._events["unknown"],
            failed=self._events["fail"],
            total=self._total,
            behind_ms=behind_ms,
            workers=self._workers,
        ).save(self._progress_file)

    def close(self, state: LoadState, at_ns: int) -> None:
        """Write everything; the replay is over, and ``state`` says how it ended."""
        self._writer.close()
        self.save(state, at_ns)
