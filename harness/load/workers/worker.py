"""One process of a load: gets its share, lets Locust's users drive a session, and reports the end."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final, Protocol

from pydantic import ValidationError

from harness.base.errors import FloodmarkError
from harness.load.workers.roster import Assignment

_LOG: Final = logging.getLogger(__name__)

Ended = Callable[[bool], None]
"""Called once a share is sent and recorded (True), or when something other than events' outcomes broke
(False)."""


class Session(Protocol):
    """Sends one share: events_session.py and record_batches_session.py, beside this file."""

    def start(self, assignment: Assignment) -> None:
        """Begin with this share. Any exception means that it cannot begin."""
        ...

    def turn(self, place: int, users: int) -> bool:
        """One turn of the user at ``place`` among so many; False when there is nothing left to do."""
        ...

    def stop(self) -> None:
        """The test ends, as planned or early: send nothing more, and record everything. Idempotent."""
        ...


class Worker:
    """Listens to Locust's events on behalf of a session."""

    session: Session

    def __init__(self, report_end: Ended) -> None:
        self._report_end = report_end
        self._assignment: Assignment | None = None
        self._begun = self._reported = False
        self._users: list[object] = []

    def assigned(self, msg: Any, **_: Any) -> None:
        """The master sends this worker's share."""
        try:
            self._assignment = Assignment.model_validate(msg.data)
        except ValidationError as error:
            _LOG.error("the master sent no share: %s", error)
            self.ended(False)

    def start(self, **_: Any) -> None:
        """The test starts. A share is sent once."""
        if self._begun:
            return
        if self._assignment is None:
            _LOG.error("this worker has no share of the load: it came after the load had begun")
            self.ended(False)
            return
        try:
            self.session.start(self._assignment)
            self._begun = True
        except Exception as error:
            _LOG.error("the load cannot start: %s", error)
            self.ended(False)
            if not isinstance(error, FloodmarkError):
                # Locust logs what is raised here, with its place in the code.
                raise

    def join(self, user: object) -> None:
        """A user begins."""
        self._users.append(user)

    def leave(self, user: object) -> None:
        """A user ends; those that are left do its part."""
        self._users.remove(user)

    def turn(self, user: object) -> bool:
        """One turn of a user; False when there is nothing left to do."""
        return self._begun and self.session.turn(self._users.index(user), len(self._users))

    def stop(self, **_: Any) -> None:
        """The test ends, as planned or early."""
        if self._begun:
            self.session.stop()

    def fail(self, **_: Any) -> None:
        """A user broke."""
        self.ended(False)

    def ended(self, ok: bool) -> None:
        """Report the end to the master, once."""
        if not self._reported:
            self._reported = True
            self._report_end(ok)
