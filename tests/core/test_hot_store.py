"""Writing batches until they are acknowledged, against a Cassandra that only answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from cassandra import InvalidRequest, Unavailable, WriteTimeout, WriteType

from pipeline.base.errors import CassandraFailed
from pipeline.contract.derive import event_contract
from pipeline.hot.rows import RowBatch
from pipeline.hot.schema import RECENT_EVENTS
from pipeline.hot.store import HotStore
from pipeline.hot.write_log import WriteLog

TIMED_OUT = WriteTimeout("timed out", write_type=WriteType.UNLOGGED_BATCH)


class Prepared:
    """A statement that binds to the row itself."""

    def bind(self, row: Any) -> Bound:
        return Bound(row)


class Bound:
    is_idempotent = False

    def __init__(self, row: Any) -> None:
        self.row = row


class Future:
    def __init__(self, error: Exception | None) -> None:
        self.error = error

    def add_callbacks(self, ok: Any, failed: Any) -> None:
        if self.error is None:
            ok(None)
        else:
            failed(self.error)


class Session:
    """Answers every write from a list of errors, and then with success."""

    def __init__(self, *errors: Exception | None) -> None:
        self.errors, self.tried = list(errors), list[Any]()

    def prepare(self, _: str) -> Prepared:
        return Prepared()

    def execute_async(self, statement: Bound) -> Future:
        self.tried.append(statement.row)
        return Future(self.errors.pop(0) if self.errors else None)


def batches(count: int) -> list[RowBatch]:
    return [RowBatch(table=RECENT_EVENTS, rows=((number,),)) for number in range(count)]


def store(session: Session, log: WriteLog, **more: Any) -> HotStore:
    return HotStore(session, event_contract(), log, sleep=lambda _: None, **more)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[WriteLog]:
    with WriteLog(tmp_path / "writes.jsonl") as opened:
        yield opened


def test_every_batch_is_written_once(log: WriteLog) -> None:
    session = Session()
    store(session, log).write(batches(200))
    assert session.tried == [(number,) for number in range(200)]


@pytest.mark.parametrize("error", [TIMED_OUT, Unavailable("no quorum")])
def test_what_cassandra_cannot_take_now_is_tried_again(log: WriteLog, error: Exception) -> None:
    session = Session(None, error, None, error)
    store(session, log).write(batches(3))
    assert session.tried == [(0,), (1,), (2,), (1,), (1,)]


def test_what_no_try_will_mend_is_an_error(log: WriteLog) -> None:
    with pytest.raises(CassandraFailed, match="no such column"):
        store(Session(None, InvalidRequest("no such column")), log).write(batches(2))


def test_writes_that_fail_while_stopping_are_given_up_aloud(log: WriteLog) -> None:
    with pytest.raises(CassandraFailed, match="1 batches not written"):
        store(Session(TIMED_OUT), log, stopping=lambda: True).write(batches(1))


def test_writes_that_succeed_while_stopping_are_done(log: WriteLog) -> None:
    store(Session(), log, stopping=lambda: True).write(batches(2))


FIELDS = {"at_unix_ns", "at_monotonic_ns", "boot", "duration_us", "rows", "table"}


def test_only_acknowledged_writes_are_logged(log: WriteLog, tmp_path: Path) -> None:
    store(Session(TIMED_OUT), log).write(batches(2))
    log.flush()
    lines = [orjson.loads(line) for line in (tmp_path / "writes.jsonl").read_bytes().splitlines()]
    assert [(line["rows"], line["table"]) for line in lines] == [(1, RECENT_EVENTS)] * 2
    assert all(set(line) == FIELDS for line in lines)


def test_the_log_is_flushed_when_a_second_has_passed(tmp_path: Path) -> None:
    now = [0.0]
    log = WriteLog(tmp_path / "writes.jsonl", clock=lambda: now[0])
    log.add(at_unix_ns=1, at_monotonic_ns=1, duration_us=2, rows=3, table="t")
    log.flush_if_due()
    early = (tmp_path / "writes.jsonl").read_bytes()
    now[0] = 1.0
    log.flush_if_due()
    assert (early, (tmp_path / "writes.jsonl").read_bytes().count(b"\n")) == (b"", 1)
    log.close()
