"""Leases on tables: at most one writer per table, by means of conditional writes.

A lease is an object ``locks/<table>/<number>.json``, and the highest number counts. An expired or released
lease is taken over by writing the next number, which succeeds for only one writer. Replacing the object
itself would need a conditional overwrite (If-Match), which not every store does atomically. The newest
object is never removed. A slow writer may write a number that has since been removed, and therefore checks
again that its own is the newest.

Checking the lease before a commit is not enough, because a writer may stall between the check and the
commit. A commit therefore carries a fencing token, with which the table's own log refuses it once a later
holder has committed (pipeline/days/tables/fencing.py).

Writers judge expiry by their own clocks, which must agree to within a small fraction of ``ttl_s``. A holder
that could not renew gives up when its lease ends by its own clock, before anyone takes it over.
"""

from __future__ import annotations

import json
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Final, Protocol

from pipeline.base.errors import LeaseLost, NoSuchObject, ObjectStoreFailed, TableHeld

_FOLDER: Final = "locks"
_NAME: Final = re.compile(r"[0-9]{12}\.json")
_POLL_S: Final = 0.5
_COMMITS_A_LEASE: Final = 2**20
_RENEWALS: Final = 4
"""Renewals per ``ttl_s``, so that some may fail."""


class LeaseObjects(Protocol):
    """The operations that a lease needs of the object store."""

    def get(self, key: str) -> bytes:
        """Return an object's bytes."""
        ...

    def put(self, key: str, body: bytes) -> None:
        """Write an object, replacing an existing one."""
        ...

    def put_if_absent(self, key: str, body: bytes) -> bool:
        """Write an object unless the key exists; return whether it was written."""
        ...

    def list(self, prefix: str) -> Iterable[str]:
        """Return the keys with this prefix, in byte order."""
        ...

    def delete(self, key: str) -> None:
        """Remove an object if it exists."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    """The content of a lease's object. Times are seconds since 1970."""

    holder: str
    token: str
    """Tells two leases of the same holder apart."""
    since_s: float
    until_s: float

    @staticmethod
    def loads(body: bytes) -> _Record:
        return _Record(**json.loads(body))

    def dumps(self) -> bytes:
        return json.dumps(asdict(self)).encode()


class Lease:
    """A lease that is held until it is released or lost."""

    def __init__(
        self,
        objects: LeaseObjects,
        table: str,
        *,
        holder: str,
        ttl_s: float,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Take the lease. Raises TableHeld, and ObjectStoreFailed."""
        self._objects, self._table, self._ttl_s, self._now = objects, table, ttl_s, now
        self._lock = threading.Lock()
        at_s = now()
        self._record = _Record(holder=holder, token=uuid.uuid4().hex, since_s=at_s, until_s=at_s + ttl_s)
        self._commits = 0
        self._key = self._take()

    def require(self) -> None:
        """Check that the lease is held; call before a commit. Raises LeaseLost, ObjectStoreFailed."""
        with self._lock:
            self._require()

    def fencing_token(self) -> int:
        """Return a token for one commit, greater than all earlier tokens of this and of every earlier lease.

        Call directly before the commit. Raises LeaseLost, ObjectStoreFailed.
        """
        with self._lock:
            self._require()
            self._commits += 1
            return _number(self._key) * _COMMITS_A_LEASE + self._commits

    def renew(self) -> None:
        """Extend the lease to ``ttl_s`` from now. Raises LeaseLost, ObjectStoreFailed."""
        with self._lock:
            self._require()
            self._write(until_s=self._now() + self._ttl_s)

    def release(self) -> None:
        """Free the table at once. A lost lease is left alone. Raises ObjectStoreFailed."""
        with self._lock:
            if self._now() < self._record.until_s and self._is_newest():
                self._write(until_s=0.0)

    def _require(self) -> None:
        late_s = self._now() - self._record.until_s
        if late_s >= 0:
            raise LeaseLost(f"the lease of {self._table} ran out {late_s:.1f} s ago without being renewed")
        if not self._is_newest():
            raise LeaseLost(f"the lease of {self._table} was taken over by another writer")

    def _take(self) -> str:
        """Write the next number and return its key. Each new round means that another writer was faster."""
        while True:
            older = self._keys()
            try:
                key = self._next_key(older)
                if not self._objects.put_if_absent(key, self._record.dumps()):
                    self._refuse_other(_Record.loads(self._objects.get(key)))
            except NoSuchObject:
                continue  # removed by a writer that is ahead of us
            if self._keys()[-1:] == (key,):
                for old in set(older) - {key}:
                    self._objects.delete(old)
                return key

    def _next_key(self, keys: tuple[str, ...]) -> str:
        """Return the key of the next lease. Raises TableHeld while the newest one is valid."""
        if not keys:
            return self._numbered(1)
        newest = _Record.loads(self._objects.get(keys[-1]))
        if newest.token == self._record.token:
            return keys[-1]  # ours, written in an earlier round
        if self._now() < newest.until_s:
            raise self._held(newest)
        return self._numbered(1 + _number(keys[-1]))

    def _refuse_other(self, there: _Record) -> None:
        """Raise TableHeld unless the object is ours: a retry after a lost response finds our own."""
        if there.token != self._record.token:
            raise self._held(there)

    def _write(self, *, until_s: float) -> None:
        record = replace(self._record, until_s=until_s)
        self._objects.put(self._key, record.dumps())
        self._record = record

    def _is_newest(self) -> bool:
        return self._keys()[-1:] == (self._key,)

    def _keys(self) -> tuple[str, ...]:
        # A store that keeps objects as files may list temporary files.
        folder = f"{_FOLDER}/{self._table}/"
        return tuple(key for key in self._objects.list(folder) if _NAME.fullmatch(key.removeprefix(folder)))

    def _numbered(self, number: int) -> str:
        # Enough digits that keys sort like numbers.
        return f"{_FOLDER}/{self._table}/{number:012d}.json"

    def _held(self, record: _Record) -> TableHeld:
        since, until = (datetime.fromtimestamp(s, UTC) for s in (record.since_s, record.until_s))
        return TableHeld(self._table, record.holder, since, until)


def _number(key: str) -> int:
    return int(key.rpartition("/")[2].removesuffix(".json"))


def take(
    objects: LeaseObjects,
    table: str,
    *,
    holder: str,
    ttl_s: float,
    now: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> Lease:
    """Take a lease; wait for one that nobody renews, as a killed writer leaves it.

    Raises TableHeld as soon as its holder proves to be alive, and ObjectStoreFailed.
    """
    seen: TableHeld | None = None
    while True:
        try:
            return Lease(objects, table, holder=holder, ttl_s=ttl_s, now=now)
        except TableHeld as held:
            if seen is not None and (held.since, held.until) != (seen.since, seen.until):
                raise
            seen = held
        sleep(_POLL_S)


@contextmanager
def lease(
    objects: LeaseObjects,
    table: str,
    *,
    holder: str,
    ttl_s: float = 20.0,
    now: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Lease]:
    """Hold a table such as ``silver/events`` while the block runs, renewed by a thread.

    Raises TableHeld at the start (see ``take``), LeaseLost at the end if it was lost meanwhile, and
    ObjectStoreFailed.
    """
    held = take(objects, table, holder=holder, ttl_s=ttl_s, now=now, sleep=sleep)
    done = threading.Event()
    keeper = threading.Thread(
        target=_keep, args=(held, done, ttl_s / _RENEWALS), name=f"lease {table}", daemon=True
    )
    keeper.start()
    try:
        yield held
        held.require()
    finally:
        done.set()
        keeper.join()
        # The work is over either way; an unreleased lease expires by itself.
        with suppress(ObjectStoreFailed):
            held.release()


def _keep(held: Lease, done: threading.Event, every_s: float) -> None:
    while not done.wait(every_s):
        try:
            held.renew()
        except ObjectStoreFailed:
            continue  # the next renewal may succeed; the lease itself reports when it is too late
        except LeaseLost:
            return  # the holder notices at its next check
