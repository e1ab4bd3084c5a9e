"""Sends a load through Locust: ``FLOODMARK_LOAD=load.json locust -f harness/load/locust/load_locustfile.py``.

The same file serves the command line and Locust's web page, one process (``--headless``), several of one
machine (``--processes``), and several of many (``--master``, ``--worker``, harness/load/join/).
"""

from __future__ import annotations

import ctypes
import gc
import os
import signal
from pathlib import Path
from typing import Any, Final

import gevent
from locust import User, events, task
from locust.env import Environment
from locust.exception import StopUser
from locust.runners import LocalRunner, MasterRunner, Runner, WorkerRunner

from harness.history.progress import LoadProgress, progress_file
from harness.load.join.command import JOIN_VARIABLE
from harness.load.join.messages import ANSWER, ASK, Ask
from harness.load.join.process import JoinedProcess
from harness.load.join.server import JoinServer
from harness.load.send.events.sender import TURN_S
from harness.load.workers.config import CONFIG_VARIABLE, LoadConfig
from harness.load.workers.events_session import EventsSession
from harness.load.workers.join_config import JoinConfig
from harness.load.workers.master import ASSIGN, FINISHED, LoadMaster
from harness.load.workers.record_batches_session import RecordBatchesSession
from harness.load.workers.source import EventsSource
from harness.load.workers.worker import Ended, Session, Worker

_LOADED_BY: Final = os.getpid()
"""Locust forks the processes of ``--processes`` after it has read this file."""
_MAIN: Final = gevent.getcurrent()
"""Locust's own greenlet, which handles interrupts."""
_MASTER: Final = "master"
_POLL_S: Final = 0.1
_PR_SET_PDEATHSIG: Final = 1


class LoadUser(User):
    """Drives its process's share of the load in short turns."""

    worker: Worker

    def on_start(self) -> None:
        """Join the others."""
        self.worker.join(self)

    def on_stop(self) -> None:
        """Leave its part to the others."""
        self.worker.leave(self)

    @task
    def send(self) -> None:
        """Take turns until the share is sent or Locust stops this user."""
        while self.worker.turn(self):
            gevent.sleep(TURN_S)
        raise StopUser


def prepare(environment: Environment, runner: Runner, **_: Any) -> None:
    """Read the configuration and connect the load to Locust's test."""
    if os.getpid() != _LOADED_BY:
        _die_with_parent(_LOADED_BY)
    folder = os.environ.get(JOIN_VARIABLE)
    if folder is not None and isinstance(runner, WorkerRunner):
        _join(environment, runner, Path(folder))
        return
    config = LoadConfig.load(Path(os.environ[CONFIG_VARIABLE]))
    if isinstance(runner, LocalRunner | MasterRunner):
        _lead(environment, runner, config)
    if not isinstance(runner, MasterRunner):
        worker = _work(environment, runner, lambda ok: runner.send_message(FINISHED, {"ok": ok}))
        worker.session = _session(environment, config, worker)


def _lead(environment: Environment, runner: LocalRunner | MasterRunner, config: LoadConfig) -> None:
    now_ns = config.clocks.run_clock.now_ns
    master = LoadMaster(
        environment,
        runner,
        lambda: config.started(now_ns()),
        report_failed=lambda: LoadProgress.of_failure(now_ns()).save(progress_file(config.progress, _MASTER)),
        expects=None if config.join is None else config.join.processes + config.join.joining.workers,
    )
    runner.register_message(FINISHED, master.finished)
    for hook, listener in (
        (environment.events.test_start, master.assign),
        (environment.events.worker_connect, master.connected),
        (environment.events.test_stopping, master.stopped),
        (environment.events.quitting, master.stopped),
    ):
        hook.add_listener(listener)  # type: ignore[no-untyped-call]
    if config.join is not None:
        _await_joined(runner, config, config.join, master)


def _await_joined(
    runner: LocalRunner | MasterRunner, config: LoadConfig, join: JoinConfig, master: LoadMaster
) -> None:
    """Let Locust proceed to its test once the run has written when the load starts."""
    server = JoinServer(config, join, present=master.present, share_of=master.share_of)

    def asked(msg: Any, **_: Any) -> None:
        answer = server.answer(msg.node_id, Ask.model_validate(msg.data))
        runner.send_message(ANSWER, answer.model_dump(), client_id=msg.node_id)

    runner.register_message(ASK, asked)
    while not join.start.exists():
        gevent.sleep(_POLL_S)


def _die_with_parent(parent_pid: int) -> None:
    """Have the kernel send SIGTERM when the parent ends, however it does; at once if it has. Linux only."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent_pid:
        os.kill(os.getpid(), signal.SIGTERM)


def _join(environment: Environment, runner: WorkerRunner, folder: Path) -> None:
    """Take part in the load of another machine's master."""
    _die_with_parent(os.getppid())
    process = JoinedProcess(environment, runner, folder)
    worker = _work(environment, runner, process.ended)

    def set_up(config: LoadConfig) -> None:
        worker.session = _session(environment, config, worker)

    process.prepare(set_up)


def _work(environment: Environment, runner: Runner, report_end: Ended) -> Worker:
    worker = LoadUser.worker = Worker(report_end)
    runner.register_message(ASSIGN, worker.assigned)
    for hook, listener in (
        (environment.events.test_start, worker.start),
        (environment.events.test_stop, worker.stop),
        (environment.events.user_error, worker.fail),
        # When stopped by a signal, Locust chooses its exit code before it announces the end of the test.
        (environment.events.quitting, worker.stop),
    ):
        hook.add_listener(listener)  # type: ignore[no-untyped-call]
    # A collection walks every event that is under way and finds nothing, since they are in no cycle.
    gc.freeze()
    gc.set_threshold(1_000_000, 50, 1000)
    # Python would raise KeyboardInterrupt in whatever code runs, such as between a row and its count.
    gevent.signal_handler(signal.SIGINT, gevent.kill, _MAIN, KeyboardInterrupt)
    return worker


def _session(environment: Environment, config: LoadConfig, worker: Worker) -> Session:
    if isinstance(config.source, EventsSource):
        return EventsSession(config, config.source, environment.stats, worker.ended)
    return RecordBatchesSession(config, config.source, environment.stats, worker.ended)


events.init.add_listener(prepare)  # type: ignore[no-untyped-call]
