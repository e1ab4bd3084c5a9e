"""A replay: sends the events of a plan when they come due, whatever becomes of those before (open loop).

The plan is read once and its events are dealt to lanes by their entity, so that the order of an entity's
events is kept with any number of producers. The lanes share the bookkeeping: see
harness/load/send/events/ranges.py for what a recorded range means.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from harness.history.progress import LoadProgress, LoadState
from harness.load.own_lateness import GeneratorMeter
from harness.load.send.events.batch import Batch
from harness.load.send.events.feed import PlanFeed
from harness.load.send.events.lane import Lane
from harness.load.send.events.outcome import NO_REPORT
from harness.load.send.events.record import Record
from harness.load.share import WHOLE, Share
from harness.load.tally import Tally

TURN_S: Final = 0.01
"""So often each of Locust's users takes its turn."""
_TURN_NS: Final = round(TURN_S * 1e9)
_WAITING_EVENTS_MAX: Final = 20_000
"""So many events of a plan may wait in the lanes; those behind them wait in the plan's file."""
_OPEN_MAX_NS: Final = 1_000_000_000
"""A batch of which part is unknown for so long is recorded in parts, so that a kill costs about a second."""


class Replay:
    """Everything of one replay but the passing of time, which Locust's users bring about.

    ``now_ns`` counts from the run's epoch.
    """

    def __init__(
        self,
        *,
        feed: PlanFeed,
        lanes: Sequence[Lane],
        record: Record,
        meter: GeneratorMeter,
        progress_file: Path,
        now_ns: Callable[[], int],
        share: Share = WHOLE,
    ) -> None:
        self._share = share
        self._feed, self.lanes, self._record = feed, lanes, record
        self._progress_file, self._now_ns, self._meter = progress_file, now_ns, meter
        self._turned_ns: int | None = None
        self._blocked_until_ns = 0
        self._open: list[Batch] = []
        self._sent = 0
        self._stopping = False
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether every outcome is in the history and nothing more is sent."""
        return self._closed

    @property
    def sending(self) -> bool:
        """Whether events are still to be handed to the client."""
        return not self._stopping and (
            self._feed.next_intended_ns is not None or any(lane.waiting for lane in self.lanes)
        )

    @property
    def outstanding(self) -> int:
        """Events that the client holds."""
        return sum(lane.outstanding for lane in self.lanes)

    def deal(self) -> None:
        """Hand what has come due to the lanes, as far as they have room."""
        now_ns = self._now_ns()
        self._note_lateness(now_ns)
        self._record_settled()
        while self._has_room() and (batch := self._feed.take_due(now_ns)):
            self._open.append(batch)
            for lane, indices in zip(self.lanes, self._share.deal(batch.keys, len(self.lanes)), strict=True):
                lane.offer(batch, indices)

    def drive(self, lane: Lane) -> None:
        """Hand what waits in a lane to the client, and take its reports."""
        if not self._stopping:
            self._sent += lane.send()
            if (due_ns := lane.waiting_since_ns) is not None:
                self._blocked_until_ns = self._now_ns()
                self._meter.blocked(due_ns, self._blocked_until_ns)
        lane.poll()

    def report(self) -> Tally:
        """Record what has become known, and save the progress. Returns the counts since the last call."""
        now_ns = self._now_ns()
        self._record_settled()
        for batch in self._open:
            if now_ns - batch.opened_ns > _OPEN_MAX_NS:
                self._record.write(batch)
        self._record.flush()
        self._meter.sample_if_due()
        self._progress(now_ns).save(self._progress_file)
        return self._record.take_tally()

    def stop(self) -> None:
        """Send nothing more. What waits in the lanes stays unsent; what the client holds goes on."""
        self._stopping = True

    def close(self) -> Tally:
        """Record everything: what the client still holds is unknown. Returns the last counts. Idempotent."""
        if self._closed:
            return Tally()
        self.stop()
        for lane in self.lanes:
            lane.abandon()
            lane.poll()
        for batch in self._open:
            self._settle(batch)
            self._record.write(batch)
        self._open = []
        self._closed = True
        self._record.close()
        self._meter.close()
        self._progress(self._now_ns()).save(self._progress_file)
        return self._record.take_tally()

    def _record_settled(self) -> None:
        """Record what is known as a whole: a little each turn, as a lot at once would hold up what is due."""
        for batch in self._open:
            if batch.settled:
                self._record.write(batch)
        self._open = [batch for batch in self._open if not batch.settled]

    def _note_lateness(self, now_ns: int) -> None:
        """Of this turn, and of the oldest event that nobody has dealt yet.

        What a lane could not hand over keeps events in the plan's file, too: that is back-pressure.
        """
        if self._turned_ns is not None:
            self._meter.woke(self._turned_ns + _TURN_NS, now_ns)
        self._turned_ns = now_ns
        due_ns = self._feed.next_intended_ns
        if due_ns is not None and due_ns <= now_ns:
            self._meter.handed_over(due_ns, now_ns, blocked_until_ns=self._blocked_until_ns)

    def _has_room(self) -> bool:
        return not self._stopping and sum(lane.waiting for lane in self.lanes) < _WAITING_EVENTS_MAX

    def _settle(self, batch: Batch) -> None:
        """Close the accounts of a batch: an event that was sent and not reported on is unknown."""
        now_ns = self._now_ns()
        for index, started_ns in enumerate(batch.started_ns):
            if started_ns:
                batch.settle(index, NO_REPORT, now_ns)

    def _progress(self, now_ns: int) -> LoadProgress:
        due = [ns for lane in self.lanes if (ns := lane.waiting_since_ns) is not None]
        if (next_ns := self._feed.next_intended_ns) is not None:
            due.append(next_ns)
        behind_ms = max(0.0, (now_ns - min(due)) / 1e6) if due else 0.0
        return self._record.progress(state=self._state(), at_ns=now_ns, sent=self._sent, behind_ms=behind_ms)

    def _state(self) -> LoadState:
        if self._closed:
            return "done"
        if not self.sending:
            return "flushing"
        return "sending" if self._sent else "waiting"
