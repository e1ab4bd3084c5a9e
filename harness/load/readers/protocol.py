"""What a kind of user is: what it asks for, of whom, and how that is recorded."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol, TypeVar

from harness.history.operations import Outcome
from harness.load.readers.sent_events import SentEvents
from pipeline.endpoints import Endpoints

Client = TypeVar("Client")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request before it is made."""

    values: tuple[Any, ...]
    """What is bound to its statement."""
    seq: int = -1
    """The event of the plan that it asks for; -1 where none alone is meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a request ended."""

    outcome: Outcome = "ok"
    error: str = ""
    bytes: int = 0
    """Of the values that were found, without what a protocol puts around them. 0 where nothing was found,
    which is no failure."""


class UserKind(Protocol[Client]):
    """One kind of user. It has no state: users of Locust call it from many greenlets."""

    operation: str
    """Its kind in the history's table of operations: ``hot_point_read``."""
    describes: str
    """What it does, in one sentence for ``floodmark list``."""

    def connect(self, endpoints: Endpoints, *, timeout_s: float) -> AbstractContextManager[Client]:
        """A client for all users of a process. Raises what its library raises when no node answers."""
        ...

    def next_request(self, rng: Random, sent: SentEvents, now_ns: int) -> Request:
        """What is asked for at ``now_ns``: chosen by ``rng`` out of what was to be sent by then."""
        ...

    def perform(self, client: Client, request: Request) -> Answer:
        """Ask, and wait for the end without holding up other greenlets. What fails is an answer, too."""
        ...
