"""Runs a joined worker within Locust: it gets ready, and ends once its records are stored."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

import gevent
from gevent import Greenlet
from locust.env import Environment
from locust.runners import WorkerRunner

from harness.artifacts import cache_dir
from harness.load.join.asking import Asking
from harness.load.join.worker import UNABLE, JoinedWorker
from harness.load.workers.config import LoadConfig
from harness.load.workers.master import FINISHED

_LOG: Final = logging.getLogger(__name__)
_REPORT_S: Final = 0.5


class JoinedProcess:
    """One process. It ends with an error unless everything that it recorded reached the master."""

    def __init__(self, environment: Environment, runner: WorkerRunner, folder: Path) -> None:
        self._environment, self._runner = environment, runner
        self._worker = JoinedWorker(Asking(runner), folder=folder, cache=cache_dir())
        self._reporting: Greenlet | None = None
        environment.process_exit_code = 1

    def prepare(self, set_up: Callable[[LoadConfig], None]) -> None:
        """Begin to get ready; ``set_up`` gets the load. A worker that cannot take part quits."""
        gevent.spawn(self._prepare, set_up)

    def ended(self, ok: bool) -> None:
        """Hand over the records, once the share is sent and recorded or something broke, and report that."""
        gevent.spawn(self._end, ok)

    def _prepare(self, set_up: Callable[[LoadConfig], None]) -> None:
        try:
            self._worker.prepare(set_up)
        except UNABLE as error:
            _LOG.error("this worker cannot take part: %s", error)
            self._runner.quit()
            return
        _LOG.info("this worker is ready and waits for the load to begin")
        self._reporting = gevent.spawn(self._report)
        self._reporting.link_exception(lambda _: self.ended(False))

    def _report(self) -> None:
        while True:
            self._worker.report_progress()
            gevent.sleep(_REPORT_S)

    def _end(self, ok: bool) -> None:
        if self._reporting is not None:
            self._reporting.kill()
        delivered = ok and self._deliver()
        if delivered:
            self._environment.process_exit_code = 0
        self._runner.send_message(FINISHED, {"ok": delivered})

    def _deliver(self) -> bool:
        try:
            self._worker.deliver()
        except UNABLE as error:
            _LOG.error("what was recorded could not be handed over: %s", error)
            return False
        return True
