"""The protocol of a kind of reader: what it requests, from which store, and how that is recorded."""

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
    """One request, before it is sent."""

    values: tuple[Any, ...]
    """The values bound to the statement."""
    seq: int = -1
    """The plan's event that is requested; -1 if it is not a single event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a request ended."""

    outcome: Outcome = "ok"
    error: str = ""
    bytes: int = 0
    """Size of the values found, without protocol overhead; 0 if nothing was found, which is not a failure."""


class ReaderKind(Protocol[Client]):
    """One kind of reader. It has no state: Locust's users call it from many greenlets."""

    operation: str
    """The kind in the history's table of operations, such as ``hot_point_read``."""
    describes: str
    """What it does, in one sentence for ``floodmark list``."""

    def connect(self, endpoints: Endpoints, *, timeout_s: float) -> AbstractContextManager[Client]:
        """Connect a client for all users of a process. Raises the library's error if no node answers."""
        ...

    def next_request(self, rng: Random, sent: SentEvents, now_ns: int) -> Request:
        """Return the request for ``now_ns``, drawn by ``rng`` from the events due by then."""
        ...

    def perform(self, client: Client, request: Request) -> Answer:
        """Send the request and wait without blocking other greenlets. Failures are returned as answers."""
        ...
