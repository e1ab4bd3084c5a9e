"""What readers of the hot store share: a session, one statement, and counting the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from cassandra import OperationTimedOut

from harness.clients.hot_store import HOT_STORE_ERRORS, hot_session
from harness.load.readers.protocol import Answer, Request
from pipeline.base.endpoints import Endpoints

Ask = Callable[[tuple[Any, ...]], Iterable[tuple[Any, ...]]]
"""Binds values to the statement, sends it, and waits for its rows."""


class HotReader:
    """A reader of the hot store that asks one question again and again, at QUORUM.

    In Locust's process the driver waits by greenlet: Locust replaces the blocking parts of the standard
    library when it is imported, and the driver, imported after it, then chooses its gevent connections.
    """

    statement: str

    @contextmanager
    def connect(self, endpoints: Endpoints, *, timeout_s: float) -> Iterator[Ask]:
        """A session with the statement prepared. Raises one of ``HOT_STORE_ERRORS``."""
        with hot_session(endpoints.cassandra, timeout_s=timeout_s) as session:
            yield partial(session.execute, session.prepare(self.statement))

    def perform(self, client: Ask, request: Request) -> Answer:
        """Send the request and count the rows. A read without an answer in time is unknown."""
        try:
            rows = list(client(request.values))
        except OperationTimedOut as error:
            return Answer(outcome="unknown", error=type(error).__name__)
        except HOT_STORE_ERRORS as error:
            return Answer(outcome="fail", error=type(error).__name__)
        return Answer(bytes=sum(map(_size_bytes, rows)))


def _size_bytes(value: object) -> int:
    """The size of a value as Cassandra encodes it: text as UTF-8; numbers and times, of which all but days
    (4 bytes, counted as 8) are 64 bits wide.
    """
    match value:
        case None:
            return 0
        case str():
            return len(value.encode())
        case tuple():
            return sum(map(_size_bytes, value))
        case Mapping():
            return sum(_size_bytes(key) + _size_bytes(held) for key, held in value.items())
        case _:
            return 8
