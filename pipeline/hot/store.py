"""Writes batches to Cassandra concurrently, retrying each until it is acknowledged."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from cassandra import OperationTimedOut, Unavailable, WriteFailure, WriteTimeout
from cassandra.cluster import NoHostAvailable
from cassandra.connection import ConnectionException
from cassandra.protocol import IsBootstrappingErrorMessage, OverloadedErrorMessage
from cassandra.query import BatchStatement, BatchType

from pipeline.base.errors import CassandraFailed
from pipeline.contract.odcs import DataContract
from pipeline.hot.rows import RowBatch
from pipeline.hot.schema import (
    RECENT_EVENTS,
    WINDOW_RESULTS,
    event_columns,
    insert_statement,
    window_columns,
)
from pipeline.hot.write_log import WriteLog

_IN_FLIGHT: Final = 48
_BACKOFF_S: Final = (0.05, 0.1, 0.2, 0.5, 1.0)
_TRANSIENT: Final = (
    WriteTimeout,
    WriteFailure,
    Unavailable,
    OperationTimedOut,
    NoHostAvailable,
    ConnectionException,
    OverloadedErrorMessage,
    IsBootstrappingErrorMessage,
)
_log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class _Failures:
    """The failed writes of a round. Filled by the driver's thread, read when the round is over."""

    transient: list[_Write] = field(default_factory=list)
    last: Exception | None = None
    fatal: Exception | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Write:
    """One batch, with the time of its first attempt."""

    batch: RowBatch
    statement: Any
    at_unix_ns: int
    started_ns: int


class HotStore:
    """The hot store's two tables. ``write`` returns once a quorum has acknowledged everything."""

    def __init__(
        self,
        session: Any,
        contract: DataContract,
        log: WriteLog,
        *,
        stopping: Callable[[], bool] = lambda: False,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._session = session
        self._write_log = log
        self._stopping = stopping
        self._sleep = sleep
        self._inserts = {
            RECENT_EVENTS: session.prepare(insert_statement(RECENT_EVENTS, event_columns(contract))),
            WINDOW_RESULTS: session.prepare(insert_statement(WINDOW_RESULTS, window_columns())),
        }

    def write(self, batches: Iterable[RowBatch]) -> None:
        """Write every batch, retrying those that Cassandra cannot accept now.

        Repeated rows change nothing, and nothing newer is written meanwhile. Raises CassandraFailed for
        errors that a retry will not fix, and if a stop is requested while writes still fail.
        """
        failures = self._round(self._new(batch) for batch in batches)
        tries = 0
        while failures.transient:
            _log.warning("%d writes to try again: %r", len(failures.transient), failures.last)
            if self._stopping():
                raise CassandraFailed(f"{len(failures.transient)} batches not written: {failures.last!r}")
            self._sleep(_BACKOFF_S[min(tries, len(_BACKOFF_S) - 1)])
            tries += 1
            failures = self._round(failures.transient)

    def _new(self, batch: RowBatch) -> _Write:
        insert = self._inserts[batch.table]
        if len(batch.rows) == 1:
            statement = insert.bind(batch.rows[0])
        else:
            statement = BatchStatement(batch_type=BatchType.UNLOGGED)
            for row in batch.rows:
                statement.add(insert, row)
        statement.is_idempotent = True
        return _Write(
            batch=batch, statement=statement, at_unix_ns=time.time_ns(), started_ns=time.monotonic_ns()
        )

    def _round(self, writes: Iterable[_Write]) -> _Failures:
        """Try each write once and wait for all of them."""
        failures = _Failures()
        slots = threading.Semaphore(_IN_FLIGHT)
        for write in writes:
            slots.acquire()
            self._send(write, failures, slots)
        for _ in range(_IN_FLIGHT):
            slots.acquire()
        if failures.fatal is not None:
            raise CassandraFailed(f"write refused: {failures.fatal!r}") from failures.fatal
        return failures

    def _send(self, write: _Write, failures: _Failures, slots: threading.Semaphore) -> None:
        def written(_: object) -> None:
            self._write_log.add(
                at_unix_ns=write.at_unix_ns,
                at_monotonic_ns=write.started_ns,
                duration_us=(time.monotonic_ns() - write.started_ns) // 1000,
                rows=len(write.batch.rows),
                table=write.batch.table,
            )
            slots.release()

        def failed(error: Exception) -> None:
            if isinstance(error, _TRANSIENT):
                failures.transient.append(write)
                failures.last = error
            else:
                failures.fatal = error
            slots.release()

        self._session.execute_async(write.statement).add_callbacks(written, failed)
