"""One process of a load: it takes its share, has Locust's users drive it, and says how it ended."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final

from pydantic import ValidationError

from harness.base.errors import FloodmarkError
from harness.load.workers.assignment import Assignment
from harness.load.workers.session import Session

_LOG: Final = logging.getLogger(__name__)


class Worker:
    """Listens to Locust's events on behalf of a session."""

    session: Session

    def __init__(self, tell: Callable[[bool], None]) -> None:
        self._tell = tell
        self._assignment: Assignment | None = None
        self._begun = self._told = False
        self._users: list[object] = []

    def assigned(self, msg: Any, **_: Any) -> None:
        """The master says which share is this worker's."""
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
            _LOG.error("no share of the load is this worker's: it came after the load had begun")
            self.ended(False)
            return
        try:
            self.session.start(self._assignment)
            self._begun = True
        except Exception as error:
            _LOG.error("the replay cannot start: %s", error)
            self.ended(False)
            if not isinstance(error, FloodmarkError):
                # Locust logs what is raised here, with where it was.
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
        """Tell the master, once."""
        if not self._told:
            self._told = True
            self._tell(ok)
