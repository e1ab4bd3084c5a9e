"""A session of the path events: sends a share of a plan one event at a time, driven by Locust's users."""

from __future__ import annotations

import time
from typing import Final

import gevent
from locust.stats import RequestStats

from harness.load.send.events.sender import TURN_S, EventsSender
from harness.load.workers.config import LoadConfig
from harness.load.workers.events_producers import events_sender
from harness.load.workers.roster import Assignment
from harness.load.workers.source import EventsSource
from harness.load.workers.stats import count
from harness.load.workers.worker import Ended

_REPORT_S: Final = 0.5


class EventsSession:
    """Locust's users take turns at the lanes: one lane each, if there are as many as configured."""

    def __init__(self, config: LoadConfig, source: EventsSource, stats: RequestStats, ended: Ended) -> None:
        self._config, self._source, self._stats, self._ended = config, source, stats, ended
        self._sender: EventsSender | None = None

    def start(self, assignment: Assignment) -> None:
        """Connect, and begin to report. Raises what ``events_sender`` raises."""
        sender = self._sender = events_sender(self._config, self._source, assignment)
        gevent.spawn(self._report, sender).link_exception(lambda _: self._ended(False))

    def turn(self, place: int, users: int) -> bool:
        """One turn of a user: deal what is due and drive the user's share of the lanes."""
        sender = self._sender
        if sender is None or sender.closed:
            return False
        sender.deal()
        for lane in sender.lanes[place::users]:
            sender.drive(lane)
        return True

    def stop(self) -> None:
        """Wait a little for what is under way, then record everything. Idempotent."""
        if self._sender is not None and not self._sender.closed:
            self._sender.stop()
            try:
                self._await_reports(self._sender, self._config.stop_timeout_s)
            finally:
                # Record what is known by now, even after an error.
                self._close(self._sender)

    def _report(self, sender: EventsSender) -> None:
        """Save outcomes and progress twice a second, until everything is sent and known."""
        while sender.sending:
            self._count(sender)
            gevent.sleep(_REPORT_S)
        self._await_reports(sender, self._config.flush_timeout_s)
        self._close(sender)
        self._ended(True)

    def _await_reports(self, sender: EventsSender, timeout_s: float) -> None:
        now_s = report_at_s = time.monotonic()
        deadline_s = now_s + timeout_s
        while sender.outstanding and not sender.closed and now_s < deadline_s:
            for lane in sender.lanes:
                sender.drive(lane)
            if now_s >= report_at_s:
                self._count(sender)
                report_at_s = now_s + _REPORT_S
            gevent.sleep(TURN_S)
            now_s = time.monotonic()

    def _close(self, sender: EventsSender) -> None:
        count(self._stats, self._config.topic, sender.close(), time.time())

    def _count(self, sender: EventsSender) -> None:
        if not sender.closed:
            count(self._stats, self._config.topic, sender.report(), time.time())
