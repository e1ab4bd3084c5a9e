"""What a replay writes down: its operations, its progress, and counts for Locust's own statistics."""

from __future__ import annotations

from collections import Counter

from harness.history.operations import OperationsWriter, Outcome
from harness.history.progress import LoadProgress, LoadState
from harness.load.send.events.batch import Batch
from harness.load.share import Share
from harness.load.tally import Tally


class Record:
    """Turns the known ranges of batches into rows of ``operations``, and counts them."""

    def __init__(self, writer: OperationsWriter, share: Share, total: int) -> None:
        self._writer, self._share, self._total = writer, share, total
        self._outcomes: Counter[str] = Counter()
        self._tally = Tally()

    def write(self, batch: Batch) -> None:
        """Record what has become known of a batch since the last call."""
        for known in batch.take_ranges():
            failure = known.failure
            outcome: Outcome = "ok" if failure is None else failure.outcome
            error = "" if failure is None else failure.error
            count = known.last - known.first + 1
            size = sum(map(len, batch.payloads[known.first : known.last + 1]))
            intended_ns = batch.intended_ns[known.first]
            self._writer.add(
                kind="produce",
                first_seq=batch.seqs[known.first],
                last_seq=batch.seqs[known.last],
                partition=-1,
                count=count,
                bytes=size,
                intended_ns=intended_ns,
                started_ns=known.started_ns,
                completed_ns=known.completed_ns,
                outcome=outcome,
                error=error,
            )
            self._outcomes[outcome] += count
            self._tally.add(count, size, (known.completed_ns - intended_ns) // 1_000_000, error)

    def take_tally(self) -> Tally:
        """What was counted since the last call."""
        tally, self._tally = self._tally, Tally()
        return tally

    def progress(self, *, state: LoadState, at_ns: int, sent: int, behind_ms: float) -> LoadProgress:
        """The counts so far."""
        return LoadProgress(
            state=state,
            at_ns=at_ns,
            sent=sent,
            acknowledged=self._outcomes["ok"],
            unknown=self._outcomes["unknown"],
            failed=self._outcomes["fail"],
            total=self._total,
            workers=self._share.of,
            behind_ms=behind_ms,
        )

    def flush(self) -> None:
        """Write a part of the table when one is due."""
        self._writer.flush_if_due()

    def close(self) -> None:
        """Write what waits."""
        self._writer.close()
