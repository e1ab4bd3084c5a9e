"""The prober's reads of the hot store, and their answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Final

from cassandra.cluster import Session

from harness.clients.hot_store import HOT_STORE_ERRORS
from harness.observe.prober.probe_plan import WindowKey
from harness.observe.prober.seeking import EventIdentity, HotPartition
from harness.observe.readback.hot_rows import Row
from pipeline.hot.schema import KEYSPACE, RECENT_EVENTS, WINDOW_RESULTS

_EVENTS: Final = f"""
SELECT event_id, to_unix_timestamp(event_time) FROM {KEYSPACE}.{RECENT_EVENTS}
WHERE entity_id = ? AND day = ? AND (event_time, event_id) IN ?
"""  # noqa: S608 -- table names cannot be bound
_WINDOWS: Final = f"""
SELECT to_unix_timestamp(window_start), to_unix_timestamp(window_end) FROM {KEYSPACE}.{WINDOW_RESULTS}
WHERE window_kind = ? AND key = ? AND day IN ? PER PARTITION LIMIT ?
"""  # noqa: S608


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRead:
    """A read that looks for some events of a partition."""

    partition: HotPartition


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowRead:
    """A read that looks for the newest windows of a key."""

    key: WindowKey
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One read and its result. Times are nanoseconds since the run's epoch."""

    read: EventRead | WindowRead
    intended_ns: int
    started_ns: int
    completed_ns: int
    rows: Sequence[Row] = ()
    error: BaseException | None = None


class Reads:
    """Sends reads without waiting for any, and collects their answers."""

    def __init__(self, session: Session, now_ns: Callable[[], int]) -> None:
        """Raises one of ``HOT_STORE_ERRORS`` when the statements cannot be prepared."""
        self._session, self._now_ns = session, now_ns
        self._events, self._windows = session.prepare(_EVENTS), session.prepare(_WINDOWS)
        self._answers: SimpleQueue[Answer] = SimpleQueue()
        self._under_way = 0

    @property
    def under_way(self) -> int:
        """The number of reads whose answers have not been taken."""
        return self._under_way

    def events(self, partition: HotPartition, wanted: Sequence[EventIdentity], intended_ns: int) -> None:
        """Send a read for these events."""
        entity, day = partition
        pairs = [(time_ms, event_id) for event_id, time_ms in wanted]
        self._send(EventRead(partition=partition), self._events, (entity, day, pairs), intended_ns)

    def windows(self, key: WindowKey, days: Sequence[date], limit: int, intended_ns: int) -> None:
        """Send a read for the key's newest windows of these days."""
        self._send(
            WindowRead(key=key, limit=limit),
            self._windows,
            (key.kind, key.key, list(days), limit),
            intended_ns,
        )

    def take_answers(self) -> list[Answer]:
        """Return the answers since the last call."""
        answers: list[Answer] = []
        while True:
            try:
                answers.append(self._answers.get_nowait())
            except Empty:
                self._under_way -= len(answers)
                return answers

    def _send(self, read: EventRead | WindowRead, statement: Any, values: Any, intended_ns: int) -> None:
        arrived = partial(self._arrived, read, intended_ns, self._now_ns())
        self._under_way += 1
        try:
            future = self._session.execute_async(statement, values)
        except HOT_STORE_ERRORS as error:
            arrived((), error)
        else:
            future.add_callbacks(arrived, partial(arrived, ()))

    def _arrived(
        self,
        read: EventRead | WindowRead,
        intended_ns: int,
        started_ns: int,
        rows: Sequence[Row],
        error: BaseException | None = None,
    ) -> None:
        """Queue an answer. Runs on the driver's own thread, which must not be delayed."""
        self._answers.put(
            Answer(
                read=read,
                intended_ns=intended_ns,
                started_ns=started_ns,
                completed_ns=self._now_ns(),
                rows=rows or (),
                error=error,
            )
        )
