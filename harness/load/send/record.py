"""What every path records of its sends: operations, progress, and counts for Locust's statistics."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from harness.history.operations import OperationsWriter
from harness.history.progress import LoadProgress, LoadState
from harness.load.tally import Tally


class SendRecord:
    """The record of one worker. Each path adds its sends in its own form: record.py in its folder."""

    def __init__(
        self, writer: OperationsWriter, progress_file: Path, *, total: int, workers: int = 1
    ) -> None:
        self._writer, self._progress_file = writer, progress_file
        self._total, self._workers = total, workers
        self._events: Counter[str] = Counter()
        """By outcome."""
        self._tally = Tally()

    def take_tally(self) -> Tally:
        """The counts since the last call."""
        tally, self._tally = self._tally, Tally()
        return tally

    def save(self, state: LoadState, at_ns: int, *, sent: int | None = None, behind_ms: float = 0.0) -> None:
        """Write the rows that are due, and the progress.

        ``sent`` counts events given to the client; all that have an outcome when it is left out.
        """
        self._writer.flush_if_due()
        LoadProgress(
            state=state,
            at_ns=at_ns,
            sent=sum(self._events.values()) if sent is None else sent,
            acknowledged=self._events["ok"],
            unknown=self._events["unknown"],
            failed=self._events["fail"],
            total=self._total,
            workers=self._workers,
            behind_ms=behind_ms,
        ).save(self._progress_file)

    def close(self) -> None:
        """Write all remaining rows; ``save`` the final progress afterwards."""
        self._writer.close()
