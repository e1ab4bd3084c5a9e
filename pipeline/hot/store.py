"""Writes batches to Cassandra, many at a time, until every one of them is acknowledged."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cassandra import DriverException, InvalidRequest
from cassandra.cluster import NoHostAvailable
from cassandra.query import BatchStatement, BatchType

from pipeline.errors import CassandraFailed
from pipeline.hot.rows import Batch, Target
from pipeline.hot.schema import insert_statement

_IN_FLIGHT_MAX: Final = 64
_BACKOFF_FIRST_S: Final = 0.05
_BACKOFF_MAX_S: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One batch that was acknowledged."""

    table: str
    rows: int
    at_unix_ns: int
    """When it was sent."""
    duration_us: float


class HotStore:
    """The hot store's tables behind one session. Every write may be repeated: rows are upserts."""

    def __init__(
        self,
        session: Any,
        by_topic: Mapping[str, Target],
        *,
        clock: Callable[[], int] = time.time_ns,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._session, self._clock, self._sleep = session, clock, sleep
        self._inserts = {
            target.table: session.prepare(insert_statement(target.table, target.columns))
            for target in by_topic.values()
        }

    def write(self, batches: Sequence[Batch]) -> list[Written]:
        """Write every batch at LOCAL_QUORUM, again and again where replicas do not answer, however long.

        Raises CassandraFailed for a write that no repetition would mend.
        """
        written: list[Written] = []
        backoff_s = _BACKOFF_FIRST_S
        left = list(batches)
        while left:
            left = self._attempt(left, written)
            if left:
                self._sleep(backoff_s)
                backoff_s = min(2 * backoff_s, _BACKOFF_MAX_S)
        return written

    def _attempt(self, batches: Iterable[Batch], written: list[Written]) -> list[Batch]:
        """Send each batch once; those that were not acknowledged."""
        flight = threading.Semaphore(_IN_FLIGHT_MAX)
        sent = []
        for batch in batches:
            flight.acquire()
            sent.append(_Sending(batch, self._session, self._statement(batch), flight, self._clock))
        left = []
        for sending in sent:
            try:
                written.append(sending.result())
            except InvalidRequest as error:
                raise CassandraFailed(f"{sending.batch.table}: {error}") from error
            except (DriverException, NoHostAvailable):
                left.append(sending.batch)
        return left

    def _statement(self, batch: Batch) -> Any:
        insert = self._inserts[batch.table]
        if len(batch.rows) == 1:
            return insert.bind(batch.rows[0])
        statement = BatchStatement(batch_type=BatchType.UNLOGGED)
        for row in batch.rows:
            statement.add(insert, row)
        return statement


class _Sending:
    """One batch on its way. Its end is stamped by the driver's thread, for results are looked at later."""

    def __init__(
        self,
        batch: Batch,
        session: Any,
        statement: Any,
        flight: threading.Semaphore,
        clock: Callable[[], int],
    ) -> None:
        self.batch, self._flight, self._clock = batch, flight, clock
        self._at_unix_ns = self._ended_unix_ns = clock()
        self._future = session.execute_async(statement)
        self._future.add_callbacks(self._end, self._end)

    def result(self) -> Written:
        """Wait for the acknowledgement. Raises what the driver raises."""
        self._future.result()
        return Written(
            table=self.batch.table,
            rows=len(self.batch.rows),
            at_unix_ns=self._at_unix_ns,
            duration_us=(self._ended_unix_ns - self._at_unix_ns) / 1000,
        )

    def _end(self, _: object) -> None:
        self._ended_unix_ns = self._clock()
        self._flight.release()
