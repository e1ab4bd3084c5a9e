"""Replays a plan through Locust: ``FLOODMARK_REPLAY=replay.json locust -f harness/load/locustfile.py``.

The same file serves the command line and Locust's web page. One replay belongs to the process; its users take
turns at its lanes (one lane each when there are as many users as ``ReplayConfig.users`` says).
"""

from __future__ import annotations

import gc
import logging
import os
import time
from pathlib import Path
from typing import Any, Final

import gevent
from locust import User, events, task
from locust.env import Environment
from locust.exception import StopUser
from locust.runners import LocalRunner, Runner

from harness.errors import InvalidInput, Problem
from harness.load.replay import Replay
from harness.load.replay_config import CONFIG_VARIABLE, ReplayConfig
from harness.load.replay_kafka import kafka_replay
from harness.load.replay_stats import count

_LOG: Final = logging.getLogger(__name__)
_TICK_S: Final = 0.01
_REPORT_S: Final = 0.5
_ONE_PROCESS: Final = Problem(
    where="locust",
    found="several processes",
    allowed="one process; ReplayConfig.users gives it several producers",
)


class Session:
    """The replay of this process, and what Locust needs around it."""

    def __init__(self, environment: Environment, runner: LocalRunner, config: ReplayConfig) -> None:
        self._environment, self._runner, self._config = environment, runner, config
        self._replay: Replay | None = None
        self._users: list[PlanUser] = []

    def start(self, **_: Any) -> None:
        """The test starts: connect, and begin to report. A plan is replayed once."""
        if self._replay is not None:
            _LOG.warning("this plan was replayed already; start Locust again to replay it again")
            return
        try:
            self._replay = kafka_replay(self._config)
        finally:
            # Locust logs what is raised here and would go on without a replay.
            if self._replay is None:
                _LOG.error("the replay cannot start")
                self.fail()
        gevent.spawn(self._report, self._replay).link_exception(self.fail)

    def fail(self, *_: Any, **__: Any) -> None:
        """Something went wrong beside events' outcomes: end the test, and the process with an error."""
        if self._environment.process_exit_code is None:
            self._environment.process_exit_code = 1
            gevent.spawn(self._end)

    def drive(self, user: PlanUser) -> None:
        """One turn of a user: it deals what came due and drives its share of the lanes."""
        replay = self._replay
        if replay is None or replay.closed:
            raise StopUser
        replay.deal()
        place = self._users.index(user)
        for lane in replay.lanes[place :: len(self._users)]:
            replay.drive(lane)

    def join(self, user: PlanUser) -> None:
        """A user begins."""
        self._users.append(user)

    def leave(self, user: PlanUser) -> None:
        """A user ends; those that are left drive its lanes."""
        self._users.remove(user)

    def stop(self, **_: Any) -> None:
        """The test ends, as planned or early: wait a little for what is under way, then record it all."""
        if self._replay is not None and not self._replay.closed:
            self._replay.stop()
            self._finish(self._replay, self._config.stop_timeout_s)

    def _report(self, replay: Replay) -> None:
        """Save outcomes and progress twice a second, until the plan is sent; then end the test."""
        while replay.sending:
            self._count(replay)
            gevent.sleep(_REPORT_S)
        self._finish(replay, self._config.flush_timeout_s)
        self._end()

    def _end(self) -> None:
        """End the test; the web page stays."""
        if self._environment.web_ui:
            self._runner.stop()
        else:
            self._runner.quit()

    def _finish(self, replay: Replay, timeout_s: float) -> None:
        now_s = report_at_s = time.monotonic()
        deadline_s = now_s + timeout_s
        while replay.outstanding and not replay.closed and now_s < deadline_s:
            for lane in replay.lanes:
                replay.drive(lane)
            if now_s >= report_at_s:
                self._count(replay)
                report_at_s = now_s + _REPORT_S
            gevent.sleep(_TICK_S)
            now_s = time.monotonic()
        count(self._environment.stats, self._config.topic, replay.close(), time.time())
        if self._environment.process_exit_code is None:
            # Events that were refused are a result of the run, not an error of the load.
            self._environment.process_exit_code = 0

    def _count(self, replay: Replay) -> None:
        if not replay.closed:
            count(self._environment.stats, self._config.topic, replay.report(), time.time())


class PlanUser(User):
    """Drives lanes of the replay in short turns."""

    session: Session

    def on_start(self) -> None:
        """Join the others."""
        self.session.join(self)

    def on_stop(self) -> None:
        """Leave the lanes to the others."""
        self.session.leave(self)

    @task
    def replay(self) -> None:
        """Take turns until the replay is over or Locust stops this user."""
        while True:
            self.session.drive(self)
            gevent.sleep(_TICK_S)


def prepare(environment: Environment, runner: Runner, **_: Any) -> None:
    """Read the configuration and tie the replay to Locust's test."""
    if not isinstance(runner, LocalRunner):
        raise InvalidInput([_ONE_PROCESS])
    session = Session(environment, runner, ReplayConfig.load(Path(os.environ[CONFIG_VARIABLE])))
    PlanUser.session = session
    for hook, listener in (
        (environment.events.test_start, session.start),
        (environment.events.test_stop, session.stop),
        (environment.events.user_error, session.fail),
        # Stopped by a signal, Locust chooses its exit code before the test's end is told.
        (environment.events.quitting, session.stop),
    ):
        hook.add_listener(listener)  # type: ignore[no-untyped-call]
    # A collection walks every event that is under way, and finds nothing: they are in no cycle.
    gc.freeze()
    gc.set_threshold(1_000_000, 50, 1000)


events.init.add_listener(prepare)  # type: ignore[no-untyped-call]
