"""A kind of reader: what it asks for, from which store, and how that is recorded."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol, TypeVar

from harness.history.operations import Outcome
from harness.load.readers.sent_events import SentEvents
from pipeline.base.endpoints import Endpoints

Client = TypeVar("Client")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request before it is made."""

    values: tuple[Any, ...]
    """The values bound to its statement."""
    seq: int = -1
    """The event of the plan that it asks for; -1 if it is not a single one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a request ended."""

    outcome: Outcome = "ok"
    error: str = ""
    bytes: int = 0
    """Of the values that were found, without what a protocol puts around them. 0 where nothing was found,
    which is no failure."""


class ReaderKind(Protocol[Client]):
    """One kind of reader. It has no state: Locust's users call it from many greenlets."""

    operation: str
    """Its kind in the history's table of operations: ``hot_point_read``."""
    describes: str
    """What it does, in one sentence for ``floodmark list``."""

    def connect(self, endpoints: Endpoints, *, timeout_s: float) -> AbstractContextManager[Client]:
        """A client for all users of a process. Raises what its library raises when no node answers."""
        ...

    def next_request(self, rng: Random, sent: SentEvents, now_ns: int) -> Request:
        """The request for ``now_ns``: chosen by ``rng`` from what was due by then."""
        ...

    def perform(self, client: Client, request: Request) -> Answer:
        """Send the request, and wait without blocking other greenlets. A failure is an answer too."""
        ...
