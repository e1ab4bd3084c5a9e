"""Sends the events of a plan when they are due, whatever becomes of those before (open loop).

The plan is read once, and its events are dealt to lanes by entity, so that the order of an entity's events is
kept with any number of producers. The lanes share the bookkeeping: harness/load/send/events/ranges.py
explains what a recorded range means.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from harness.history.progress import LoadState
from harness.load.own_lateness import GeneratorMeter
from harness.load.send.events.due_events import DueEvents
from harness.load.send.events.feed import PlanFeed
from harness.load.send.events.producer_lane import ProducerLane
from harness.load.send.events.record import EventsRecord
from harness.load.send.outcomes import Failure
from harness.load.share import WHOLE, Share
from harness.load.tally import Tally

TURN_S: Final = 0.01
"""How often each of Locust's users takes a turn."""
_TURN_NS: Final = round(TURN_S * 1e9)
_WAITING_EVENTS_MAX: Final = 20_000
"""How many events may wait in the lanes; those behind them wait in the plan's file."""
_OPEN_MAX_NS: Final = 1_000_000_000
"""Due events with outcomes missing for this long are recorded piecemeal, so that a kill costs about a
second."""
_NO_REPORT: Final = Failure(outcome="unknown", error="no report before the end")
"""For an event that the client had not reported on when it was closed."""


class EventsSender:
    """Everything but the passing of time, which Locust's users bring about.

    ``now_ns`` counts from the run's epoch.
    """

    def __init__(
        self,
        *,
        feed: PlanFeed,
        lanes: Sequence[ProducerLane],
        record: EventsRecord,
        meter: GeneratorMeter,
        now_ns: Callable[[], int],
        share: Share = WHOLE,
    ) -> None:
        self._share = share
        self._feed, self.lanes, self._record = feed, lanes, record
        self._now_ns, self._meter = now_ns, meter
        self._turned_ns: int | None = None
        self._blocked_until_ns = 0
        self._open: list[DueEvents] = []
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
        """Deal the events that are due to the lanes, as far as they have room."""
        now_ns = self._now_ns()
        self._note_lateness(now_ns)
        self._record_settled()
        while self._has_room() and (due := self._feed.take_due(now_ns)):
            self._open.append(due)
            for lane, indices in zip(self.lanes, self._share.deal(due.keys, len(self.lanes)), strict=True):
                lane.offer(due, indices)

    def drive(self, lane: ProducerLane) -> None:
        """Hand what waits in a lane to the client, and collect the client's reports."""
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
        for due in self._open:
            if now_ns - due.opened_ns > _OPEN_MAX_NS:
                self._record.write(due)
        self._meter.sample_if_due()
        self._save(now_ns)
        return self._record.take_tally()

    def stop(self) -> None:
        """Send nothing more. What waits in the lanes stays unsent; the client goes on with what it holds."""
        self._stopping = True

    def close(self) -> Tally:
        """Record everything; what the client still holds is unknown. Returns the last counts. Idempotent."""
        if self._closed:
            return Tally()
        self.stop()
        for lane in self.lanes:
            lane.abandon()
            lane.poll()
        for due in self._open:
            self._settle(due)
            self._record.write(due)
        self._open = []
        self._closed = True
        self._record.close()
        self._meter.close()
        self._save(self._now_ns())
        return self._record.take_tally()

    def _record_settled(self) -> None:
        """Record what is fully known: a little each turn, because a lot at once would delay what is due."""
        for due in self._open:
            if due.settled:
                self._record.write(due)
        self._open = [due for due in self._open if not due.settled]

    def _note_lateness(self, now_ns: int) -> None:
        """Note how late this turn is, and the oldest event that has not been dealt yet.

        Events that a lane could not hand over also keep later ones in the plan's file: that is back-pressure.
        """
        if self._turned_ns is not None:
            self._meter.woke(self._turned_ns + _TURN_NS, now_ns)
        self._turned_ns = now_ns
        due_ns = self._feed.next_intended_ns
        if due_ns is not None and due_ns <= now_ns:
            self._meter.handed_over(due_ns, now_ns, blocked_until_ns=self._blocked_until_ns)

    def _has_room(self) -> bool:
        return not self._stopping and sum(lane.waiting for lane in self.lanes) < _WAITING_EVENTS_MAX

    def _settle(self, due: DueEvents) -> None:
        """Set the events that were sent and never reported on to unknown."""
        now_ns = self._now_ns()
        for index, started_ns in enumerate(due.started_ns):
            if started_ns:
                due.settle(index, _NO_REPORT, now_ns)

    def _save(self, now_ns: int) -> None:
        waiting = [ns for lane in self.lanes if (ns := lane.waiting_since_ns) is not None]
        if (next_ns := self._feed.next_intended_ns) is not None:
            waiting.append(next_ns)
        behind_ms = max(0.0, (now_ns - min(waiting)) / 1e6) if waiting else 0.0
        self._record.save(self._state(), now_ns, sent=self._sent, behind_ms=behind_ms)

    def _state(self) -> LoadState:
        if self._closed:
            return "done"
        if not self.sending:
            return "flushing"
        return "sending" if self._sent else "waiting"
