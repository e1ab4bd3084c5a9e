"""The live path: a replay of this process's share of a plan, event by event, and its place in Locust."""

from __future__ import annotations

import time
from typing import Final

import gevent
from locust.stats import RequestStats

from harness.load.send.events.replay import TURN_S, Replay
from harness.load.workers.assignment import Assignment
from harness.load.workers.config import LoadConfig
from harness.load.workers.events_producers import kafka_replay
from harness.load.workers.session import Ended
from harness.load.workers.source import PlannedEvents
from harness.load.workers.stats import count

_REPORT_S: Final = 0.5


class LiveSession:
    """Locust's users take turns at the lanes: one lane each when there are as many as the config's users."""

    def __init__(self, config: LoadConfig, source: PlannedEvents, stats: RequestStats, ended: Ended) -> None:
        self._config, self._source, self._stats, self._ended = config, source, stats, ended
        self._replay: Replay | None = None

    def start(self, assignment: Assignment) -> None:
        """Connect, and begin to report. Raises what ``kafka_replay`` raises."""
        replay = self._replay = kafka_replay(self._config, self._source, assignment)
        gevent.spawn(self._report, replay).link_exception(lambda _: self._ended(False))

    def turn(self, place: int, users: int) -> bool:
        """One turn of a user: it deals what came due and drives its share of the lanes."""
        replay = self._replay
        if replay is None or replay.closed:
            return False
        replay.deal()
        for lane in replay.lanes[place::users]:
            replay.drive(lane)
        return True

    def stop(self) -> None:
        """Wait a little for what is under way, then record it all. Idempotent."""
        if self._replay is not None and not self._replay.closed:
            self._replay.stop()
            try:
                self._await_reports(self._replay, self._config.stop_timeout_s)
            finally:
                # Whatever broke, what is known by now is recorded.
                self._close(self._replay)

    def _report(self, replay: Replay) -> None:
        """Save outcomes and progress twice a second, until everything is sent and known."""
        while replay.sending:
            self._count(replay)
            gevent.sleep(_REPORT_S)
        self._await_reports(replay, self._config.flush_timeout_s)
        self._close(replay)
        self._ended(True)

    def _await_reports(self, replay: Replay, timeout_s: float) -> None:
        now_s = report_at_s = time.monotonic()
        deadline_s = now_s + timeout_s
        while replay.outstanding and not replay.closed and now_s < deadline_s:
            for lane in replay.lanes:
                replay.drive(lane)
            if now_s >= report_at_s:
                self._count(replay)
                report_at_s = now_s + _REPORT_S
            gevent.sleep(TURN_S)
            now_s = time.monotonic()

    def _close(self, replay: Replay) -> None:
        count(self._stats, self._config.topic, replay.close(), time.time())

    def _count(self, replay: Replay) -> None:
        if not replay.closed:
            count(self._stats, self._config.topic, replay.report(), time.time())
