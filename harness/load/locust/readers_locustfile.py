"""Readers as Locust users.

``FLOODMARK_READERS=readers.json locust -f harness/load/locust/readers_locustfile.py`` starts them.

One schedule of requests belongs to the process. Each user takes the next request, waits until it is due, and
makes it, so that as many are in flight at most as there are users.
"""

from __future__ import annotations

import logging
import os
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Any, Final

import gevent
from locust import User, events, task
from locust.env import Environment
from locust.exception import StopUser
from locust.runners import LocalRunner, Runner

from harness.base.errors import InvalidInput, Problem
from harness.history.operations import OperationsWriter
from harness.load.readers.process import CONFIG_VARIABLE, ReadersConfig
from harness.load.readers.reading import CompletedRequest, Reading, arrivals
from harness.load.readers.registry import READER_KINDS
from harness.load.readers.sent_events import SentEvents
from pipeline.base.endpoints import Endpoints

_LOG: Final = logging.getLogger(__name__)
_REPORT_S: Final = 0.5
_ONE_PROCESS: Final = Problem(
    where="locust", found="several processes", allowed="one process; ReadersConfig.in_flight gives it users"
)


class ReadError(Exception):
    """For Locust's statistics, which take failures of requests as exceptions."""


class Session:
    """The reading of this process, and what Locust needs around it."""

    def __init__(self, environment: Environment, runner: LocalRunner, config: ReadersConfig) -> None:
        self._environment, self._runner, self._config = environment, runner, config
        self._clients = ExitStack()
        self._reading: Reading | None = None

    def start(self, **_: Any) -> None:
        """The test starts: connect, and begin to report. A schedule is followed once."""
        if self._reading is not None:
            _LOG.warning("these requests were made already; start Locust again to make them again")
            return
        try:
            self._reading = reading_of(self._config, self._clients)
        finally:
            # Locust logs what is raised here and would go on without readers.
            if self._reading is None:
                _LOG.error("the readers cannot start")
                self.fail()
        gevent.spawn(self._report, self._reading).link_exception(self.fail)

    def fail(self, *_: Any, **__: Any) -> None:
        """Something other than a request went wrong: end the test, and the process with an error."""
        if self._environment.process_exit_code is None:
            self._environment.process_exit_code = 1
            gevent.spawn(self._end)

    def read(self) -> None:
        """One turn of a user. Raises ``StopUser`` after the last."""
        reading = self._reading
        turn = reading.next_turn() if reading is not None else None
        if reading is None or turn is None:
            raise StopUser
        gevent.sleep(reading.wait_s(turn))
        self._count(reading.perform(turn))

    def stop(self, **_: Any) -> None:
        """The test ends, as planned or early: write what is known."""
        if self._reading is not None:
            self._reading.close()
            if self._environment.process_exit_code is None:
                # Requests that failed are a result of the run, not an error of the readers.
                self._environment.process_exit_code = 0 if self._reading.done else 1
        self._clients.close()

    def _report(self, reading: Reading) -> None:
        """Save outcomes twice a second, until the last; then end the test."""
        while not reading.done:
            reading.flush()
            gevent.sleep(_REPORT_S)
        self._end()

    def _end(self) -> None:
        """End the test; the web page stays."""
        if self._environment.web_ui:
            self._runner.stop()
        else:
            self._runner.quit()

    def _count(self, done: CompletedRequest) -> None:
        answer = done.answer
        self._environment.events.request.fire(  # type: ignore[no-untyped-call]
            request_type="READ",
            name=done.operation,
            response_time=done.response_ms,
            response_length=answer.bytes,
            exception=ReadError(f"{answer.outcome}: {answer.error}") if answer.error else None,
            context={},
        )


class Reader(User):
    """Takes turns until there are none left or Locust stops it."""

    session: Session

    @task
    def read(self) -> None:
        """One request."""
        self.session.read()


def reading_of(config: ReadersConfig, clients: ExitStack) -> Reading:
    """Readers that are ready to start. Raises OSError, and what a client raises that cannot connect."""
    endpoints, clock = Endpoints.load(config.endpoints), config.clocks.run_clock
    kinds = {name: READER_KINDS[name] for name in config.weights}
    return Reading(
        arrivals=arrivals(
            rate_per_s=config.rate_per_s,
            weights=config.weights,
            start_ns=config.clocks.load_start_ns,
            duration_s=config.duration_s,
            seed=config.seed,
        ),
        kinds=kinds,
        clients={
            name: clients.enter_context(kind.connect(endpoints, timeout_s=config.timeout_s))
            for name, kind in kinds.items()
        },
        sent=SentEvents(config.plan, config.clocks.event_clock),
        rng=Random(f"{config.seed} requests"),  # noqa: S311 -- a schedule, not a secret
        operations=OperationsWriter(config.history, config.worker, clock),
        now_ns=clock.now_ns,
    )


def prepare(environment: Environment, runner: Runner, **_: Any) -> None:
    """Read the configuration and tie the readers to Locust's test."""
    if not isinstance(runner, LocalRunner):
        raise InvalidInput([_ONE_PROCESS])
    session = Session(environment, runner, ReadersConfig.load(Path(os.environ[CONFIG_VARIABLE])))
    Reader.session = session
    for hook, listener in (
        (environment.events.test_start, session.start),
        (environment.events.test_stop, session.stop),
        (environment.events.user_error, session.fail),
        # When stopped by a signal, Locust chooses its exit code before it announces the end of the test.
        (environment.events.quitting, session.stop),
    ):
        hook.add_listener(listener)  # type: ignore[no-untyped-call]


events.init.add_listener(prepare)  # type: ignore[no-untyped-call]
