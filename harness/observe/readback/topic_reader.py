"""Reads a topic from its first offset to its last, as a read_committed consumer."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from harness.base.errors import PlatformError
from harness.observe.platform.offsets import Offsets, Partition
from pipeline.base.endpoints import KafkaEndpoint
from pipeline.base.kafka_access import client_config

_CHUNK_RECORDS: Final = 20_000
_POLL_S: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The offsets of one partition to read: from ``first`` up to but not including ``end``."""

    first: int
    end: int


class TopicReader:
    """Reads one topic at a time. Raises ``PlatformError`` when no record arrives for ``silence_s``."""

    def __init__(self, kafka: KafkaEndpoint, *, silence_s: float = 30.0) -> None:
        self._silence_s = silence_s
        self._offsets = Offsets(kafka, timeout_s=10.0)
        self._consumer = Consumer(
            {
                **client_config(kafka),
                "client.id": "read-back",
                "group.id": "floodmark-read-back",
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "auto.offset.reset": "error",
                "check.crcs": True,
                "fetch.wait.max.ms": 50,
                "max.partition.fetch.bytes": 4 * 2**20,
                "queued.min.messages": 500_000,
                "queued.max.messages.kbytes": 128 * 1024,
            }
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._consumer.close()
        self._offsets.close()

    def spans(self, topic: str) -> dict[Partition, Span]:
        """Return the offsets that can be read now. Raises ``OffsetsUnknown``."""
        partitions = self._offsets.partitions([topic])
        first, end = self._offsets.first(partitions), self._offsets.end(partitions)
        return {partition: Span(first=first[partition], end=end[partition]) for partition in partitions}

    def read(self, spans: Mapping[Partition, Span]) -> Iterator[list[Message]]:
        """Yield every record of the spans in chunks, in order within each partition."""
        left = {partition: span.end for partition, span in spans.items() if span.first < span.end}
        self._consumer.assign([TopicPartition(*partition, spans[partition].first) for partition in left])
        deadline = time.monotonic() + self._silence_s
        while left:
            messages = self._consumer.consume(_CHUNK_RECORDS, timeout=_POLL_S)
            if messages:
                deadline = time.monotonic() + self._silence_s
                yield _records(messages, spans)
                _note_passed(messages, left)
            elif time.monotonic() > deadline:
                raise PlatformError(_silent(self._silence_s, left))
        self._consumer.unassign()


def _records(messages: Sequence[Message], spans: Mapping[Partition, Span]) -> list[Message]:
    """The records within the spans; later ones are ignored."""
    return [
        message
        for message in messages
        if message.error() is None and (message.offset() or 0) < spans[_partition(message)].end
    ]


def _note_passed(messages: Sequence[Message], left: dict[Partition, int]) -> None:
    """Remove the partitions that have been read to the end of their span.

    The last offsets of a span may be transaction markers, which are never delivered. A later record, or the
    partition's end-of-file event, shows that they have been passed.
    """
    for partition, message in {_partition(message): message for message in messages}.items():
        error = message.error()
        if error is not None and error.code() != KafkaError._PARTITION_EOF:
            raise PlatformError(f"read-back: {partition[0]}-{partition[1]}: {error}")
        if (message.offset() or 0) >= left.get(partition, 0) - (error is None):
            left.pop(partition, None)


def _partition(message: Message) -> Partition:
    return message.topic() or "", message.partition() or 0


def _silent(silence_s: float, left: Mapping[Partition, int]) -> str:
    rest = ", ".join(f"{topic}-{number} up to {end}" for (topic, number), end in left.items())
    return f"read-back: no record arrived for {silence_s:g} s; still to read: {rest}"
