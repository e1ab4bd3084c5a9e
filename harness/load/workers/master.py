"""The master of a load: gives workers their shares, and ends the test when all are done or one fails."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection
from typing import Any, Final

import gevent
from locust.env import Environment
from locust.runners import STATE_MISSING, LocalRunner, MasterRunner

from harness.base.clocks import Clocks
from harness.load.share import Share
from harness.load.workers.roster import Assignment, WorkerRoster

ASSIGN: Final = "floodmark_assign"
"""Message from the master to a worker: its ``Assignment``."""
FINISHED: Final = "floodmark_finished"
"""Message from a worker to the master: ``{"ok": bool}``."""
_LOG: Final = logging.getLogger(__name__)
_POLL_S: Final = 0.5


class LoadMaster:
    """Listens to Locust's events and to the workers. A process without workers is its own only worker."""

    def __init__(
        self,
        environment: Environment,
        runner: LocalRunner | MasterRunner,
        started: Callable[[], Clocks],
        *,
        report_failed: Callable[[], None],
        expects: int | None = None,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._environment, self._runner = environment, runner
        self._started, self._tell_failed, self._now_s = started, report_failed, now_s
        self._expects = expects
        self._roster: WorkerRoster | None = None
        self._over = False

    def assign(self, **_: Any) -> None:
        """The test starts: send each worker its share. A load is sent once."""
        if self._roster is not None:
            _LOG.warning("this load was sent already; start Locust again to send it again")
            return
        present, clocks = self.present(), self._started()
        if self._expects is not None and len(present) != self._expects:
            self.fail(f"{len(present)} workers are there when it begins, and not {self._expects}")
            return
        if self._runner.target_user_count < len(present):
            self.fail(f"{self._runner.target_user_count} users for {len(present)} workers: each needs one")
            return
        roster = self._roster = WorkerRoster(present, self._now_s())
        for member, share in roster.shares():
            assignment = Assignment(
                share=share, load_start_ns=clocks.load_start_ns, origin_ms=clocks.origin_ms
            )
            self._runner.send_message(ASSIGN, assignment.model_dump(), client_id=member)
        gevent.spawn(self._watch, roster)

    def connected(self, client_id: str, **_: Any) -> None:
        """A worker has connected. A late one has no share, and Locust would give it users of the others."""
        if self._roster is not None and not self._over and client_id not in self._roster:
            self.fail(f"worker {client_id} came after the load had begun")

    def finished(self, msg: Any, **_: Any) -> None:
        """A worker reports that its share is sent and recorded, or that it failed."""
        if not msg.data["ok"]:
            self.fail(f"worker {msg.node_id} failed; its log says why")
        elif self._roster is not None:
            self._roster.finished(msg.node_id)
            if self._roster.complete and not self._over:
                self._leave(exit_code=0)

    def fail(self, why: str) -> None:
        """End the test, and the process with an error."""
        if not self._over:
            _LOG.error("the load ends: %s", why)
            self._tell_failed()
            self._leave(exit_code=1)

    def stopped(self, **_: Any) -> None:
        """The test was stopped, perhaps by Locust itself, as when no worker was heard from for seconds.

        Refused events are a result, not an error of the load; events that will now never be sent are an
        error.
        """
        if self._roster is not None and not self._over:
            _LOG.error("the load ends: it was stopped before everything was sent")
            self._tell_failed()
        self._over = True
        if self._environment.process_exit_code is None:
            self._environment.process_exit_code = 0

    def share_of(self, member: str) -> Share | None:
        """What this worker sends; None before the load begins, and for an unknown worker."""
        return None if self._roster is None else dict(self._roster.shares()).get(member)

    def present(self) -> Collection[str]:
        """The workers that Locust hears from."""
        if isinstance(self._runner, LocalRunner):
            return ("local",)
        return [client.id for client in self._runner.clients.all if client.state != STATE_MISSING]

    def _watch(self, roster: WorkerRoster) -> None:
        while not self._over:
            roster.saw(self.present(), self._now_s())
            if (member := roster.lost(self._now_s())) is not None:
                self.fail(f"worker {member} was lost; what it had not sent is never sent")
            gevent.sleep(_POLL_S)

    def _leave(self, *, exit_code: int) -> None:
        self._over = True
        self._environment.process_exit_code = exit_code
        gevent.spawn(self._end)

    def _end(self) -> None:
        """End the test; the web page stays."""
        if self._environment.web_ui:
            self._runner.stop()
        else:
            self._runner.quit()
