"""The base of the hot store's readers: a session, one prepared statement, and measuring the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from cassandra import OperationTimedOut

from harness.clients.hot_store import HOT_STORE_ERRORS, hot_session
from harness.load.readers.protocol import Answer, Request
from pipeline.base.endpoints import Endpoints

Query = Callable[[tuple[Any, ...]], Iterable[tuple[Any, ...]]]
"""Binds values to the statement, sends it and waits for its rows."""


class HotReader:
    """A reader of the hot store that repeats one query at QUORUM.

    In Locust's process the driver blocks only greenlets: importing Locust patches the standard library, and
    the driver, imported later, then chooses gevent connections.
    """

    statement: str

    @contextmanager
    def connect(self, endpoints: Endpoints, *, timeout_s: float) -> Iterator[Query]:
        """Open a session and prepare the statement. Raises one of ``HOT_STORE_ERRORS``."""
        with hot_session(endpoints.cassandra, timeout_s=timeout_s) as session:
            yield partial(session.execute, session.prepare(self.statement))

    def perform(self, client: Query, request: Request) -> Answer:
        """Send the request and measure the rows. The outcome of a read that times out is unknown."""
        try:
            rows = list(client(request.values))
        except OperationTimedOut as error:
            return Answer(outcome="unknown", error=type(error).__name__)
        except HOT_STORE_ERRORS as error:
            return Answer(outcome="fail", error=type(error).__name__)
        return Answer(bytes=sum(map(_size_bytes, rows)))


def _size_bytes(value: object) -> int:
    """The size of a value as Cassandra encodes it: text as UTF-8, numbers and times as 8 bytes.

    Days take 4 bytes, but are counted as 8.
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
