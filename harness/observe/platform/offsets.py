"""How far the topics reach and how far their consumers are, asked from outside with short time-outs."""

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
"""Topic and number of the partition."""
T = TypeVar("T")
P = ParamSpec("P")

_EARLIEST: Final = OffsetSpec.earliest()  # type: ignore[no-untyped-call]
_LATEST: Final = OffsetSpec.latest()  # type: ignore[no-untyped-call]
_MARKERS_MAX: Final = 64
"""A gap of at most so many offsets may hold transaction markers only, and is looked into."""


class OffsetsUnknown(Exception):
    """The cluster did not say in time how far a topic reaches, or how far its consumers are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """How far a consumer group is behind the end of some topics, at one moment."""

    end: Mapping[Partition, int]
    committed: Mapping[Partition, int]
    """The next offset that the group will read; the first one where it has committed nothing yet."""

    @property
    def events(self) -> Mapping[str, int]:
        """Offsets between the two, by topic. Transaction markers count."""
        lags = dict.fromkeys((topic for topic, _ in self.end), 0)
        for (topic, number), end in self.end.items():
            lags[topic] += max(0, end - self.committed[topic, number])
        return lags


class Offsets:
    """Asks one cluster. Every method raises ``OffsetsUnknown`` when a broker does not answer in time.

    Not safe to share between threads.
    """

    def __init__(self, kafka: KafkaEndpoint, *, timeout_s: float = 2.0) -> None:
        # Brokers die under the observer on purpose; each question says by itself whether it was answered.
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
        """Let go of the connections."""
        for member in self._members.values():
            member.close()
        if self._peeker is not None:
            self._peeker.close()

    def reconnect(self) -> None:
        """Forget what is known of the cluster: an admin client goes on asking a leader that is none."""
        self._admin = AdminClient(self._admin_settings)

    def partitions(self, topics: Iterable[str]) -> tuple[Partition, ...]:
        """Every partition of the topics."""
        return tuple(partition for topic in topics for partition in self._partitions_of(topic))

    def first(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """The first offset that each partition still has."""
        return self._list(partitions, _EARLIEST, IsolationLevel.READ_UNCOMMITTED)

    def end(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """The offset after each partition's last record that a read_committed consumer gets to see now."""
        return self._list(partitions, _LATEST, IsolationLevel.READ_COMMITTED)

    def written(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """The offset after each partition's last record, be its transaction committed or still open."""
        return self._list(partitions, _LATEST, IsolationLevel.READ_UNCOMMITTED)

    def committed(self, group: str, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """The next offset that the group will read of each partition."""
        wanted = [TopicPartition(*partition) for partition in partitions]
        answer = _asked(self._member(group).committed, wanted, timeout=self._timeout_s)
        if refused := next((tp.error for tp in answer if tp.error is not None), None):
            raise OffsetsUnknown(f"{group}: {refused.str()}")
        found = {(tp.topic, tp.partition): tp.offset for tp in answer}
        missing = [partition for partition in partitions if found.get(partition, OFFSET_INVALID) < 0]
        return found | (self.first(missing) if missing else {})

    def lag(self, group: str, topics: Iterable[str]) -> Lag:
        """How far the group is behind. The ends come first, so a moving group never looks too slow."""
        partitions = self.partitions(topics)
        end = self.end(partitions)
        return Lag(end=end, committed=self.committed(group, partitions))

    def exact(self, lag: Lag) -> Lag:
        """The lag without those partitions in which only transaction markers are left.

        A consumer's position stops before the marker that ends the last transaction, so that a group which
        has read everything never comes to the end. Looks into small gaps only.
        """
        gaps = {
            partition: (lag.committed[partition], end)
            for partition, end in lag.end.items()
            if 0 < end - lag.committed[partition] <= _MARKERS_MAX
        }
        self._look_into({p: gap for p, gap in gaps.items() if self._only_markers.get(p) != gap})
        read = {p: end for p, (_, end) in gaps.items() if self._only_markers.get(p) == gaps[p]}
        return Lag(end=lag.end, committed={**lag.committed, **read})

    def _member(self, group: str) -> Consumer:
        """A client that knows the group and never joins it.

        The admin client has a call for the same question, which crashes the process when the group's
        coordinator has just moved: librdkafka 2.16 follows a pointer there that only consumers have.
        """
        if group not in self._members:
            self._members[group] = _asked(Consumer, {**self._consumer_settings, "group.id": group})
        return self._members[group]

    def _look_into(self, gaps: Mapping[Partition, tuple[int, int]]) -> None:
        """Remember those of the gaps in which there is no record to read."""
        if not gaps:
            return
        consumer = self._assigned(gaps)
        open_gaps, deadline = dict(gaps), time.monotonic() + self._timeout_s
        while open_gaps and (left_s := deadline - time.monotonic()) > 0:
            for message in _asked(consumer.consume, num_messages=_MARKERS_MAX, timeout=min(left_s, 0.1)):
                partition = (message.topic() or "", message.partition() or 0)
                if partition in open_gaps and _passed(message, open_gaps[partition]):
                    self._only_markers[partition] = open_gaps[partition]
                open_gaps.pop(partition, None)
        _asked(consumer.unassign)

    def _assigned(self, gaps: Mapping[Partition, tuple[int, int]]) -> Consumer:
        if self._peeker is None:
            self._peeker = _asked(
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
        wanted = [TopicPartition(*partition, first) for partition, (first, _) in gaps.items()]
        _asked(self._peeker.assign, wanted)
        return self._peeker

    def _partitions_of(self, topic: str) -> tuple[Partition, ...]:
        if topic not in self._partitions:
            found = _asked(self._admin.list_topics, topic, timeout=self._timeout_s).topics[topic]
            if found.error is not None:
                raise OffsetsUnknown(f"{topic}: {found.error}")
            self._partitions[topic] = tuple((topic, number) for number in sorted(found.partitions))
        return self._partitions[topic]

    def _list(
        self, partitions: Sequence[Partition], spec: OffsetSpec, isolation: IsolationLevel
    ) -> dict[Partition, int]:
        asked = _asked(
            self._admin.list_offsets,
            {TopicPartition(*partition): spec for partition in partitions},
            isolation_level=isolation,
            request_timeout=self._timeout_s,
        )
        return {(tp.topic, tp.partition): self._result(future).offset for tp, future in asked.items()}

    def _result(self, future: Future[T]) -> T:
        try:
            return future.result(timeout=self._timeout_s + 1)
        except (KafkaException, FutureTimeout) as error:
            raise OffsetsUnknown(str(error)) from error


def _passed(message: Message, gap: tuple[int, int]) -> bool:
    """Whether the first thing that came from a gap lies behind it: the topic's end, or a newer record."""
    error = message.error()
    if error is None:
        return (message.offset() or 0) >= gap[1]
    return error.code() == KafkaError._PARTITION_EOF


def _asked(request: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    try:
        return request(*args, **kwargs)
    except KafkaException as error:
        raise OffsetsUnknown(str(error)) from error
