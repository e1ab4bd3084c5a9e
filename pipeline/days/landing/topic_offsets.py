"""Asks Kafka for the offsets that a topic currently has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from confluent_kafka import IsolationLevel, KafkaException, TopicPartition
from confluent_kafka.admin._listoffsets import OffsetSpec

from pipeline.base.endpoints import KafkaEndpoint
from pipeline.base.errors import KafkaFailed, NotDeployed
from pipeline.base.kafka_access import KafkaAccess
from pipeline.days.landing.landing_offsets import Available

_TIMEOUT_S: Final = 30.0
_NONE: Final = -1


def available(endpoint: KafkaEndpoint, topic: str, *, until_ms: int | None = None) -> dict[int, Available]:
    """Return the offsets of each partition, as a read_committed consumer sees them.

    ``until_ms`` is an event time in ms since 1970: only records before the first one of this time or later
    are to be landed. Raises NotDeployed, NotReady, AccessRefused, and KafkaFailed.
    """
    access = KafkaAccess(endpoint)
    partitions = access.metadata().topics.get(topic)
    if partitions is None:
        raise NotDeployed([f"kafka at {endpoint.bootstrap} has no topic {topic}"])
    numbers = sorted(partitions.partitions)
    earliest = _ask(access, topic, numbers, OffsetSpec.earliest())  # type: ignore[no-untyped-call]
    latest = _ask(access, topic, numbers, OffsetSpec.latest())  # type: ignore[no-untyped-call]
    until: Mapping[int, int] = {}
    if until_ms is not None:
        until = _ask(access, topic, numbers, OffsetSpec.for_timestamp(until_ms))
    return {
        number: Available(
            earliest=earliest[number],
            latest=latest[number],
            until=None if until.get(number, _NONE) == _NONE else until[number],
        )
        for number in numbers
    }


def _ask(access: KafkaAccess, topic: str, numbers: Sequence[int], spec: OffsetSpec) -> dict[int, int]:
    asked = access.admin.list_offsets(
        {TopicPartition(topic, number): spec for number in numbers},
        isolation_level=IsolationLevel.READ_COMMITTED,
        request_timeout=_TIMEOUT_S,
    )
    try:
        return {partition.partition: int(answer.result().offset) for partition, answer in asked.items()}
    except KafkaException as error:
        raise KafkaFailed(f"offsets of {topic}: {error.args[0].str()}") from error
