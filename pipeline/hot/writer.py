"""The hot writer: from the job's committed output to the hot store."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from pipeline.contract.topics import EVENTS_VALID, WINDOW_RESULTS
from pipeline.endpoints import KafkaEndpoint
from pipeline.errors import KafkaFailed
from pipeline.hot.rows import Record, Rows
from pipeline.hot.store import HotStore
from pipeline.hot.write_log import WriteLog
from pipeline.kafka import client_config
from pipeline.options import HotOptions

HOT_GROUP: Final = "hot-writer"
"""The consumer group of all hot writers."""

_POLL_RECORDS: Final = 5000
_POLL_S: Final = 0.1
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
        self, consumer: Consumer, store: HotStore, rows: Rows, log: WriteLog, options: HotOptions
    ) -> None:
        self._consumer = consumer
        self._store = store
        self._rows = rows
        self._write_log = log
        self._commit_first = options.delivery == "at_most_once"

    def run(self, stopping: Callable[[], bool]) -> None:
        """Work until ``stopping``. Raises KafkaFailed or CassandraFailed for what no other try will mend."""
        self._consumer.subscribe([EVENTS_VALID, WINDOW_RESULTS])
        while not stopping():
            self.step()
            self._write_log.flush_if_due()

    def step(self) -> None:
        """One poll, and all that follows from it."""
        messages = self._consumer.consume(_POLL_RECORDS, _POLL_S)
        records = [_record(message) for message in messages if _is_record(message)]
        if not records:
            return
        if self._commit_first:
            self._commit(records)
        self._store.write(self._rows.event_batches(r for r in records if r.topic == EVENTS_VALID))
        self._store.write(self._rows.window_batches(r for r in records if r.topic == WINDOW_RESULTS))
        if not self._commit_first:
            self._commit(records)

    def _commit(self, records: Sequence[Record]) -> None:
        """Commit behind these records. A failure only means that they will be read, and written, again."""
        offsets = {(r.topic, r.partition): r.offset for r in records}
        positions = [TopicPartition(topic, part, at + 1) for (topic, part), at in offsets.items()]
        try:
            self._consumer.commit(offsets=positions, asynchronous=False)
        except KafkaException as error:
            if self._commit_first:
                raise KafkaFailed(f"commit: {error.args[0].str()}") from error
            _log.warning("offsets not committed, so rows may be written again: %s", error.args[0].str())


def _is_record(message: Message) -> bool:
    error = message.error()
    if error is None:
        return True
    if error.fatal():
        raise KafkaFailed(f"consumer: {error.str()}")
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
