"""The hot writer: copies the stream job's committed output to the hot store."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from pipeline.base.endpoints import KafkaEndpoint
from pipeline.base.errors import KafkaFailed
from pipeline.base.kafka_access import client_config
from pipeline.base.options import HotOptions
from pipeline.contract.topics import EVENTS_VALID, WINDOW_RESULTS
from pipeline.hot.rows import Record, Rows
from pipeline.hot.store import HotStore
from pipeline.hot.write_log import WriteLog

HOT_GROUP: Final = "hot-writer"
"""The consumer group of all hot writers."""

_POLL_RECORDS: Final = 5000
_POLL_S: Final = 0.1
_REPLACEMENT_PAUSE_S: Final = 1.0
"""Keeps two writers with the same name from fencing each other in a tight loop."""
_log = logging.getLogger(__name__)


def consumer_config(endpoint: KafkaEndpoint, *, index: int) -> dict[str, Any]:
    """Return the consumer configuration of writer ``index``: read_committed, without automatic commits.

    A writer keeps its instance id over a restart, so it regains its partitions at once.
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
    """Polls, writes and commits until stopped. Everything polled is written before it ends."""

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
        """Work until ``stopping``. Raises KafkaFailed or CassandraFailed when a retry cannot help."""
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
        """Poll once, and write and commit the result."""
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
        """Commit these records' offsets, and earlier ones whose commit failed.

        A failure only means that records may be read and written again.
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
        """Drop offsets of lost partitions: committing them could set their next owner back."""
        for partition in partitions:
            self._uncommitted.pop((partition.topic, partition.partition), None)

    def _replace_consumer(self, lost: _ConsumerLost) -> None:
        """Continue from the committed offsets with a new consumer; a fenced one, for example, is unusable."""
        _log.warning("the consumer is beyond use, and is replaced: %s", lost)
        self._consumer.close()
        self._uncommitted.clear()
        self._sleep(_REPLACEMENT_PAUSE_S)
        self._consumer = self._make_consumer()
        self._subscribe()


class _ConsumerLost(Exception):
    """The consumer is unusable for good."""


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
