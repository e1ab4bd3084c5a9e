"""Queries the ends of topics and the positions of their consumers from outside, with short time-outs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from typing import Final, ParamSpec, TypeVar

from confluent_kafka import (
    OFFSET_INVALID,
    Consumer,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    OffsetSpec,
)

from pipeline.base.endpoints import KafkaEndpoint
from pipeline.base.kafka_access import client_config

Partition = tuple[str, int]
"""Topic and partition number."""
T = TypeVar("T")
P = ParamSpec("P")

_EARLIEST: Final = OffsetSpec.earliest()  # type: ignore[no-untyped-call]
_LATEST: Final = OffsetSpec.latest()  # type: ignore[no-untyped-call]
_MARKERS_MAX: Final = 64
"""A gap of at most this many offsets is inspected, as it may hold only transaction markers."""


class OffsetsUnknown(Exception):
    """The cluster did not return a topic's end or its consumers' positions in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """How far a consumer group is behind the end of some topics, at one moment."""

    end: Mapping[Partition, int]
    committed: Mapping[Partition, int]
    """The next offset that the group will read; the partition's first where it has committed nothing."""

    @property
    def events(self) -> Mapping[str, int]:
        """Offsets between the committed ones and the ends, by topic, transaction markers included."""
        lags = dict.fromkeys((topic for topic, _ in self.end), 0)
        for (topic, number), end in self.end.items():
            lags[topic] += max(0, end - self.committed[topic, number])
        return lags


class Offsets:
    """A client of one cluster. Every query raises ``OffsetsUnknown`` when a broker does not answer in time.

    Not safe to share between threads.
    """

    def __init__(self, kafka: KafkaEndpoint, *, timeout_s: float = 2.0) -> None:
        # Brokers are killed on purpose, so the client logs nothing; each failed query raises an error.
        settings = {**client_config(kafka), "client.id": "observer", "log_level": 0}
        self._timeout_s = timeout_s
        self._admin_settings = {**settings, "socket.timeout.ms": round(timeout_s * 1000)}
        self._admin = AdminClient(self._admin_settings)
        self._consumer_settings = {**settings, "enable.auto.commit": False}
        self._peeker: Consumer | None = None
        self._members: dict[str, Consumer] = {}
        self._partitions: dict[str, tuple[Partition, ...]] = {}
        self._only_markers: dict[Partition, tuple[int, int]] = {}

    def close(self) -> None:
        """Close all connections."""
        for member in self._members.values():
            member.close()
        if self._peeker is not None:
            self._peeker.close()

    def reconnect(self) -> None:
        """Start with a new admin client: an old one keeps querying a leader that has lost its role."""
        self._admin = AdminClient(self._admin_settings)

    def partitions(self, topics: Iterable[str]) -> tuple[Partition, ...]:
        """Every partition of the topics."""
        return tuple(partition for topic in topics for partition in self._partitions_of(topic))

    def first(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """The first offset that each partition still holds."""
        return self._list(partitions, _EARLIEST, IsolationLevel.READ_UNCOMMITTED)

    def end(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """The offset after each partition's last record now visible to a read_committed consumer."""
        return self._list(partitions, _LATEST, IsolationLevel.READ_COMMITTED)

    def written(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """The offset after each partition's last record, whether its transaction is committed or open."""
        return self._list(partitions, _LATEST, IsolationLevel.READ_UNCOMMITTED)

    def committed(self, group: str, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """The next offset that the group will read from each partition."""
        queried = [TopicPartition(*partition) for partition in partitions]
        answer = _query(self._member(group).committed, queried, timeout=self._timeout_s)
        if refused := next((tp.error for tp in answer if tp.error is not None), None):
            raise OffsetsUnknown(f"{group}: {refused.str()}")
        found = {(tp.topic, tp.partition): tp.offset for tp in answer}
        missing = [partition for partition in partitions if found.get(partition, OFFSET_INVALID) < 0]
        return found | (self.first(missing) if missing else {})

    def lag(self, group: str, topics: Iterable[str]) -> Lag:
        """The group's lag. The ends are read first, so that a moving group never looks too slow."""
        partitions = self.partitions(topics)
        end = self.end(partitions)
        return Lag(end=end, committed=self.committed(group, partitions))

    def exact(self, lag: Lag) -> Lag:
        """The lag without gaps that hold only transaction markers.

        A consumer's position stops before the marker that ends the last transaction, so a group that has read
        everything never reaches the end. Only small gaps are inspected.
        """
        gaps = {
            partition: (lag.committed[partition], end)
            for partition, end in lag.end.items()
            if 0 < end - lag.committed[partition] <= _MARKERS_MAX
        }
        self._inspect({p: gap for p, gap in gaps.items() if self._only_markers.get(p) != gap})
        read = {p: end for p, (_, end) in gaps.items() if self._only_markers.get(p) == gaps[p]}
        return Lag(end=lag.end, committed={**lag.committed, **read})

    def _member(self, group: str) -> Consumer:
        """A consumer that has the group's id but never joins the group.

        The admin client's equivalent call crashes the process when the group's coordinator has just moved:
        librdkafka 2.16 dereferences a pointer that only consumers have.
        """
        if group not in self._members:
            self._members[group] = _query(Consumer, {**self._consumer_settings, "group.id": group})
        return self._members[group]

    def _inspect(self, gaps: Mapping[Partition, tuple[int, int]]) -> None:
        """Remember the gaps that hold no readable record."""
        if not gaps:
            return
        consumer = self._assigned(gaps)
        open_gaps, deadline = dict(gaps), time.monotonic() + self._timeout_s
        while open_gaps and (left_s := deadline - time.monotonic()) > 0:
            for message in _query(consumer.consume, num_messages=_MARKERS_MAX, timeout=min(left_s, 0.1)):
                partition = (message.topic() or "", message.partition() or 0)
                if partition in open_gaps and _passed(message, open_gaps[partition]):
                    self._only_markers[partition] = open_gaps[partition]
                open_gaps.pop(partition, None)
        _query(consumer.unassign)

    def _assigned(self, gaps: Mapping[Partition, tuple[int, int]]) -> Consumer:
        if self._peeker is None:
            self._peeker = _query(
                Consumer,
                {
                    **self._consumer_settings,
                    "group.id": "floodmark-observer",
                    "isolation.level": "read_committed",
                    "enable.partition.eof": True,
                    "auto.offset.reset": "error",
                    "fetch.wait.max.ms": 20,
                },
            )
        starts = [TopicPartition(*partition, first) for partition, (first, _) in gaps.items()]
        _query(self._peeker.assign, starts)
        return self._peeker

    def _partitions_of(self, topic: str) -> tuple[Partition, ...]:
        if topic not in self._partitions:
            found = _query(self._admin.list_topics, topic, timeout=self._timeout_s).topics[topic]
            if found.error is not None:
                raise OffsetsUnknown(f"{topic}: {found.error}")
            self._partitions[topic] = tuple((topic, number) for number in sorted(found.partitions))
        return self._partitions[topic]

    def _list(
        self, partitions: Sequence[Partition], spec: OffsetSpec, isolation: IsolationLevel
    ) -> dict[Partition, int]:
        futures = _query(
            self._admin.list_offsets,
            {TopicPartition(*partition): spec for partition in partitions},
            isolation_level=isolation,
            request_timeout=self._timeout_s,
        )
        return {(tp.topic, tp.partition): self._result(future).offset for tp, future in futures.items()}

    def _result(self, future: Future[T]) -> T:
        try:
            return future.result(timeout=self._timeout_s + 1)
        except (KafkaException, FutureTimeout) as error:
            raise OffsetsUnknown(str(error)) from error


def _passed(message: Message, gap: tuple[int, int]) -> bool:
    """Whether the first message read from a gap lies beyond it: the partition's end, or a newer record."""
    error = message.error()
    if error is None:
        return (message.offset() or 0) >= gap[1]
    return error.code() == KafkaError._PARTITION_EOF


def _query(request: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    try:
        return request(*args, **kwargs)
    except KafkaException as error:
        raise OffsetsUnknown(str(error)) from error
