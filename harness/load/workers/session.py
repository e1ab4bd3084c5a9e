"""What Locust drives in a process: one share of a load, from its start to its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from harness.load.workers.assignment import Assignment

Ended = Callable[[bool], None]
"""Told once a share is sent and recorded (True), or when something beside events' outcomes broke (False)."""


class Session(Protocol):
    """A way of sending: events_session.py and record_batches_session.py, beside this file."""

    def start(self, assignment: Assignment) -> None:
        """Begin with this share. Whatever is raised means that it cannot begin."""
        ...

    def turn(self, place: int, users: int) -> bool:
        """What the user at ``place`` of so many does now; False when there is nothing left to do."""
        ...

    def stop(self) -> None:
        """The test ends, as planned or early: send nothing more, and record everything. Idempotent."""
        ...
