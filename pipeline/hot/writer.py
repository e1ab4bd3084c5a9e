"""The hot writer: from the job's committed output to the hot store."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from pipeline.contract.topics import EVENTS_VALID, WINDOW_RESULTS
from pipeline.endpoints import KafkaEndpoint
from pipeline.errors import KafkaFailed
from pipeline.hot.rows import Record, Rows
from pipeline.hot.store import HotStore
from pipeline.hot.write_log import WriteLog
from pipeline.kafka_access import client_config
from pipeline.options import HotOptions

HOT_GROUP: Final = "hot-writer"
"""The consumer group of all hot writers."""

_POLL_RECORDS: Final = 5000
_POLL_S: Final = 0.1
_REPLACEMENT_PAUSE_S: Final = 1.0
"""Two writers under one name would otherwise fence each other without a pause."""
_log = logging.getLogger(__name__)


def consumer_config(endpoint: KafkaEndpoint, *, index: int) -> dict[str, Any]:
    """How writer ``index`` reads: only what is committed, and committing nothing by itself.

    A writer keeps its name over a restart, so it takes its partitions up again at once.
    """
    return {
        **client_config(endpoint),
        "group.id": HOT_GROUP,
        "group.instance.id": f"{HOT_GROUP}-{index}",
        "client.id": f"{HOT_GROUP}-{index}",
        "isolation.level": "read_committed",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",
        "partition.assignment.strategy": "cooperative-sticky",
        "session.timeout.ms": 10_000,
        "heartbeat.interval.ms": 1_000,
        "fetch.wait.max.ms": 100,
        "queued.max.messages.kbytes": 32 * 1024,
        "topic.metadata.refresh.interval.ms": 10_000,
    }


class HotWriter:
    """Polls, writes, commits, until told to stop. What it has polled is always written before it ends."""

    def __init__(
        self,
        make_consumer: Callable[[], Consumer],
        store: HotStore,
        rows: Rows,
        log: WriteLog,
        options: HotOptions,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._make_consumer = make_consumer
        self._consumer = make_consumer()
        self._store = store
        self._rows = rows
        self._write_log = log
        self._commit_first = options.delivery == "at_most_once"
        self._sleep = sleep
        self._uncommitted: dict[tuple[str, int], int] = {}

    def run(self, stopping: Callable[[], bool]) -> None:
        """Work until ``stopping``. Raises KafkaFailed or CassandraFailed for what no other try will mend."""
        try:
            self._subscribe()
            while not stopping():
                self.step()
                self._write_log.flush_if_due()
            if self._uncommitted:
                _log.warning("%d partitions end with offsets that were not committed", len(self._uncommitted))
        finally:
            self._consumer.close()

    def step(self) -> None:
        """One poll, and all that follows from it."""
        try:
            messages = self._consumer.consume(_POLL_RECORDS, _POLL_S)
            self._take([_record(message) for message in messages if _is_record(message)])
        except _ConsumerLost as lost:
            self._replace_consumer(lost)

    def _take(self, records: Sequence[Record]) -> None:
        if self._commit_first:
            self._commit(records)
        if records:
            self._store.write(self._rows.event_batches(r for r in records if r.topic == EVENTS_VALID))
            self._store.write(self._rows.window_batches(r for r in records if r.topic == WINDOW_RESULTS))
        if not self._commit_first:
            self._commit(records)

    def _commit(self, records: Sequence[Record]) -> None:
        """Commit behind these records, and behind those of which it failed before.

        A failure only means that they may be read, and written, again.
        """
        self._uncommitted |= {(r.topic, r.partition): r.offset + 1 for r in records}
        if not self._uncommitted:
            return
        positions = [TopicPartition(*partition, offset) for partition, offset in self._uncommitted.items()]
        try:
            self._consumer.commit(offsets=positions, asynchronous=False)
        except KafkaException as failed:
            error = failed.args[0]
            if self._commit_first:
                raise KafkaFailed(f"commit: {error.str()}") from failed
            if _is_fatal(error):
                raise _ConsumerLost(error.str()) from failed
            _log.warning("offsets not committed, so rows may be written again: %s", error.str())
        else:
            self._uncommitted.clear()

    def _subscribe(self) -> None:
        self._consumer.subscribe(
            [EVENTS_VALID, WINDOW_RESULTS], on_revoke=self._forget_partitions, on_lost=self._forget_partitions
        )

    def _forget_partitions(self, _: Consumer, partitions: Sequence[TopicPartition]) -> None:
        """Whoever has them next goes on from what is committed, and must not be set back."""
        for partition in partitions:
            self._uncommitted.pop((partition.topic, partition.partition), None)

    def _replace_consumer(self, lost: _ConsumerLost) -> None:
        """Go on from what is committed. A client that was fenced, for one, never works again."""
        _log.warning("the consumer is beyond use, and is replaced: %s", lost)
        self._consumer.close()
        self._uncommitted.clear()
        self._sleep(_REPLACEMENT_PAUSE_S)
        self._consumer = self._make_consumer()
        self._subscribe()


class _ConsumerLost(Exception):
    """The client will not work again."""


def _is_fatal(error: KafkaError) -> bool:
    return error.fatal() or error.code() == KafkaError._FATAL


def _is_record(message: Message) -> bool:
    error = message.error()
    if error is None:
        return True
    if _is_fatal(error):
        raise _ConsumerLost(error.str())
    if error.code() != KafkaError._PARTITION_EOF:
        _log.warning("consumer: %s", error.str())
    return False


def _record(message: Message) -> Record:
    return Record(
        topic=message.topic() or "",
        partition=message.partition() or 0,
        offset=message.offset() or 0,
        value=message.value() or b"",
        timestamp_ms=message.timestamp()[1],
    )
