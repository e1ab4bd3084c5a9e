"""Poll, write, commit: in which order, and what a crash leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import orjson
import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from pipeline.base.endpoints import KafkaEndpoint
from pipeline.base.errors import CassandraFailed, KafkaFailed
from pipeline.base.options import HotOptions
from pipeline.contract.derive import event_contract
from pipeline.contract.topics import EVENTS_VALID
from pipeline.hot.rows import BatchLimits, RowBatch, Rows
from pipeline.hot.write_log import WriteLog
from pipeline.hot.writer import HotWriter, consumer_config

EVENT = b'{"event_id":"1","event_type":"t","entity_id":"e","category":"c"}'


class Message:
    def __init__(
        self, offset: int, partition: int = 0, error: KafkaError | None = None, value: bytes = EVENT
    ) -> None:
        self._offset, self._partition, self._error, self._value = offset, partition, error, value

    def error(self) -> KafkaError | None:
        return self._error

    def topic(self) -> str:
        return EVENTS_VALID

    def partition(self) -> int:
        return self._partition

    def offset(self) -> int:
        return self._offset

    def value(self) -> bytes:
        return self._value

    def timestamp(self) -> tuple[int, int]:
        return 1, self._offset


class Consumer:
    """Gives out polls, and notes what it is told."""

    def __init__(self, did: list[str], *polls: list[Message], commit: Exception | None = None) -> None:
        self.did, self.polls = did, list(polls)
        self.commit_errors = [commit] if commit else []

    def subscribe(self, topics: list[str], *, on_revoke: Any, on_lost: Any) -> None:
        assert on_revoke == on_lost
        self.revoke = on_revoke
        self.did.append("subscribe")

    def close(self) -> None:
        self.did.append("close")

    def consume(self, *_: object) -> list[Message]:
        return self.polls.pop(0) if self.polls else []

    def commit(self, *, offsets: list[Any], asynchronous: bool) -> None:
        assert not asynchronous
        if self.commit_errors:
            raise self.commit_errors.pop(0)
        self.did += (f"commit {p.partition}:{p.offset}" for p in offsets)


class Store:
    def __init__(self, did: list[str], error: Exception | None = None) -> None:
        self.did, self.error = did, error

    def write(self, batches: Iterable[RowBatch]) -> None:
        if rows := sum(len(batch.rows) for batch in batches):
            self.did.append(f"write {rows}")
            if self.error is not None:
                raise self.error


@pytest.fixture
def did() -> list[str]:
    return []


@pytest.fixture
def log(tmp_path: Path) -> Iterator[WriteLog]:
    with WriteLog(tmp_path / "writes.jsonl") as opened:
        yield opened


def writer(
    consumer: Consumer,
    store: Store,
    log: WriteLog,
    delivery: Literal["at_least_once", "at_most_once"] = "at_least_once",
    *,
    next_consumer: Consumer | None = None,
) -> HotWriter:
    consumers: Any = iter([consumer, next_consumer])
    rows: Any = Rows(event_contract(), BatchLimits())
    written: Any = store
    options = HotOptions(delivery=delivery)
    return HotWriter(lambda: next(consumers), written, rows, log, options, sleep=lambda _: None)


def test_offsets_are_committed_after_the_write(did: list[str], log: WriteLog) -> None:
    consumer = Consumer(did, [Message(7), Message(8), Message(3, partition=1)])
    writer(consumer, Store(did), log, "at_least_once").step()
    assert did == ["write 3", "commit 0:9", "commit 1:4"]


def test_a_record_that_makes_no_row_is_passed_for_good(did: list[str], log: WriteLog) -> None:
    consumer = Consumer(did, [Message(7), Message(8, value=b"{"), Message(9)], [Message(10, value=b"[]")])
    of = writer(consumer, Store(did), log)
    of.step()
    of.step()
    assert did == ["write 2", "commit 0:10", "commit 0:11"]


def test_at_most_once_commits_before_the_write(did: list[str], log: WriteLog) -> None:
    writer(Consumer(did, [Message(7)]), Store(did), log, "at_most_once").step()
    assert did == ["commit 0:8", "write 1"]


def test_nothing_is_committed_when_the_write_fails(did: list[str], log: WriteLog) -> None:
    failing = Store(did, CassandraFailed("refused"))
    with pytest.raises(CassandraFailed):
        writer(Consumer(did, [Message(7)]), failing, log, "at_least_once").step()
    assert did == ["write 1"]


def test_an_empty_poll_does_nothing(did: list[str], log: WriteLog) -> None:
    writer(Consumer(did), Store(did), log, "at_least_once").step()
    assert did == []


def test_a_failed_commit_only_repeats_writes(did: list[str], log: WriteLog) -> None:
    moved = KafkaException(KafkaError(KafkaError.ILLEGAL_GENERATION))
    consumer = Consumer(did, [Message(7)], commit=moved)
    writer(consumer, Store(did), log, "at_least_once").step()
    assert did == ["write 1"]


def test_a_failed_commit_is_made_up_for_when_nothing_more_comes(did: list[str], log: WriteLog) -> None:
    moved = KafkaException(KafkaError(KafkaError.COORDINATOR_NOT_AVAILABLE))
    working = writer(Consumer(did, [Message(7)], commit=moved), Store(did), log)
    working.step()
    working.step()
    assert did == ["write 1", "commit 0:8"]


def test_a_partition_that_another_writer_has_is_not_committed(did: list[str], log: WriteLog) -> None:
    moved = KafkaException(KafkaError(KafkaError.ILLEGAL_GENERATION))
    consumer = Consumer(did, [Message(7), Message(3, partition=1)], commit=moved)
    working = writer(consumer, Store(did), log)
    working.run(lambda: bool(did[1:]))
    consumer.revoke(consumer, [TopicPartition(EVENTS_VALID, 0)])
    working.step()
    assert did == ["subscribe", "write 2", "close", "commit 1:4"]


FATAL = KafkaError(KafkaError._FATAL)


@pytest.mark.parametrize(
    "lost",
    [
        lambda did: Consumer(did, [Message(7)], commit=KafkaException(FATAL)),
        lambda did: Consumer(did, [Message(7), Message(0, error=FATAL)]),
    ],
    ids=["told by a commit", "told by a poll"],
)
def test_a_consumer_beyond_use_is_replaced(
    lost: Callable[[list[str]], Consumer], did: list[str], log: WriteLog
) -> None:
    fresh = Consumer(did, [Message(7)])
    working = writer(lost(did), Store(did), log, next_consumer=fresh)
    working.step()
    working.step()
    assert did[-4:] == ["close", "subscribe", "write 1", "commit 0:8"]


def test_a_failed_commit_before_the_write_stops_the_writer(did: list[str], log: WriteLog) -> None:
    moved = KafkaException(KafkaError(KafkaError.ILLEGAL_GENERATION))
    with pytest.raises(KafkaFailed, match="commit"):
        writer(Consumer(did, [Message(7)], commit=moved), Store(did), log, "at_most_once").step()


def test_an_error_of_one_partition_is_no_record(did: list[str], log: WriteLog) -> None:
    unknown = KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)
    consumer = Consumer(did, [Message(0, error=unknown), Message(7)])
    writer(consumer, Store(did), log, "at_least_once").step()
    assert did == ["write 1", "commit 0:8"]


def test_what_was_polled_is_written_before_the_end(did: list[str], log: WriteLog) -> None:
    consumer = Consumer(did, [Message(7)])
    writer(consumer, Store(did), log, "at_least_once").run(lambda: "write 1" in did)
    assert did == ["subscribe", "write 1", "commit 0:8", "close"]


def test_the_consumer_reads_what_is_committed_and_commits_nothing_itself() -> None:
    config = consumer_config(KafkaEndpoint(bootstrap_servers=("k:9092",)), index=2)
    assert config["isolation.level"] == "read_committed"
    assert config["enable.auto.commit"] is config["enable.auto.offset.store"] is False
    assert config["group.instance.id"] == "hot-writer-2"


@pytest.mark.parametrize("torn", [b"", b'{"at', b"x" * 200_000])
@pytest.mark.parametrize("lines", [b"", b"{}\n", b"{}\n" * 50_000])
def test_who_starts_again_cuts_off_the_half_line_of_a_writer_that_was_killed(
    tmp_path: Path, lines: bytes, torn: bytes
) -> None:
    path = tmp_path / "writes.jsonl"
    path.write_bytes(lines + torn)
    with WriteLog(path) as log:
        log.add(at_unix_ns=1, at_monotonic_ns=2, duration_us=3, rows=4, table="t")
    content = path.read_bytes()
    assert content.startswith(lines)
    (line,) = content[len(lines) :].splitlines()
    assert orjson.loads(line)["at_unix_ns"] == 1
