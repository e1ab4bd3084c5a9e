"""The hot writer: records of the output topics to Cassandra, offsets committed after the write.

A record that was written and not committed is written again after a restart, which changes nothing, for rows
are upserts. With ``delivery: at_most_once`` offsets are committed before the write, and what a crash
interrupts is never written: for those who would rather lose than repeat.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from pipeline.endpoints import KafkaEndpoint
from pipeline.errors import KafkaFailed
from pipeline.hot.metrics import Metrics
from pipeline.hot.rows import Target, batches
from pipeline.hot.store import HotStore
from pipeline.kafka import client_config
from pipeline.options import HotOptions

HOT_GROUP: Final = "hot-writer"
"""The consumer group of the hot writers."""

_POLL_RECORDS_MAX: Final = 5_000
_POLL_S: Final = 0.2
_ROWS_MAX: Final = 100
"""Of one write; at some 250 bytes a row, half of what Cassandra refuses."""


def consumer(endpoint: KafkaEndpoint, *, group: str, number: int) -> Consumer:
    """A consumer that reads committed transactions only and commits nothing by itself.

    Its membership is static: a writer that starts again under its number gets its partitions back at once,
    instead of after the session of its predecessor has expired.
    """
    return Consumer(
        {
            **client_config(endpoint),
            "group.id": group,
            "group.instance.id": f"{group}-{number}",
            "client.id": f"{group}-{number}",
            "isolation.level": "read_committed",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "partition.assignment.strategy": "cooperative-sticky",
            "session.timeout.ms": 10_000,
            "fetch.wait.max.ms": 100,
        }
    )


class HotWriter:
    """Reads, writes and commits in turn, until told to stop."""

    def __init__(
        self,
        source: Consumer,
        store: HotStore,
        metrics: Metrics,
        by_topic: dict[str, Target],
        options: HotOptions,
    ) -> None:
        self._source, self._store, self._metrics = source, store, metrics
        self._by_topic, self._commits_first = by_topic, options.delivery == "at_most_once"
        self._uncommitted = False

    def run(self, stopped: Callable[[], bool]) -> None:
        """Work until ``stopped``; what was read by then is written and committed. Raises PipelineError."""
        self._source.subscribe(list(self._by_topic))
        try:
            while not stopped():
                self._step()
        finally:
            self._source.close()
            self._metrics.flush()

    def _step(self) -> None:
        records = _good(self._source.consume(num_messages=_POLL_RECORDS_MAX, timeout=_POLL_S))
        self._store_offsets(records)
        if self._commits_first:
            self._commit()
        self._metrics.add(self._store.write(batches(records, self._by_topic, rows_max=_ROWS_MAX)))
        self._commit()

    def _store_offsets(self, records: list[Message]) -> None:
        """Remember the next offset of each partition for the next commit."""
        following = {(r.topic() or "", r.partition() or 0): (r.offset() or 0) + 1 for r in records}
        for (topic, partition), offset in following.items():
            try:
                self._source.store_offsets(offsets=[TopicPartition(topic, partition, offset)])
                self._uncommitted = True
            except KafkaException as error:
                # The partition went to another writer meanwhile, which reads these records again.
                _say(f"{topic}-{partition}: {error}")

    def _commit(self) -> None:
        """Commit what is stored. A commit that fails is tried again after the next poll."""
        if not self._uncommitted:
            return
        try:
            self._source.commit(asynchronous=False)
            self._uncommitted = False
        except KafkaException as error:
            cause = error.args[0]
            if cause.code() == KafkaError._NO_OFFSET:
                self._uncommitted = False
            elif cause.fatal():
                raise KafkaFailed(f"commit: {error}") from error
            else:
                _say(f"commit: {error}")


def _good(messages: list[Message]) -> list[Message]:
    """Those that are records. Raises KafkaFailed for an error that the client cannot get over by itself."""
    records = []
    for message in messages:
        error = message.error()
        if error is None:
            records.append(message)
        elif error.fatal():
            raise KafkaFailed(f"consume: {error}")
        else:
            _say(f"consume: {error}")
    return records


def _say(problem: str) -> None:
    sys.stderr.write(f"{problem}\n")
    sys.stderr.flush()
