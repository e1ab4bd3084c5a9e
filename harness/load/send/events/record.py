"""Records events that were sent one by one: a row of ``operations`` for each range of them."""

from __future__ import annotations

from harness.history.operations import Outcome
from harness.load.send.events.due_events import DueEvents
from harness.load.send.record import SendRecord


class EventsRecord(SendRecord):
    """Turns the known ranges of due events into rows, and counts them."""

    def write(self, due: DueEvents) -> None:
        """Record what has become known of these events since the last call."""
        for known in due.take_ranges():
            failure = known.failure
            outcome: Outcome = "ok" if failure is None else failure.outcome
            error = "" if failure is None else failure.error
            count = known.last - known.first + 1
            size = sum(map(len, due.payloads[known.first : known.last + 1]))
            intended_ns = due.intended_ns[known.first]
            self._writer.add(
                kind="produce",
                first_seq=due.seqs[known.first],
                last_seq=due.seqs[known.last],
                partition=-1,
                count=count,
                bytes=size,
                intended_ns=intended_ns,
                started_ns=known.started_ns,
                completed_ns=known.completed_ns,
                outcome=outcome,
                error=error,
            )
            self._events[outcome] += count
            self._tally.add(count, size, (known.completed_ns - intended_ns) // 1_000_000, error)
