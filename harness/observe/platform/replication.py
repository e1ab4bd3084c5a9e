"""Queries the actual numbers of copies of the topics and of the layers' data.

A killed node comes back with its disk, so that a single copy survives as well as three do. The number is
therefore queried. The metrics of the topics, in ``samples``:

| metric | label | what it is |
| --- | --- | --- |
| ``topic_replication_factor`` | topic | copies of the topic's partition with the fewest |
| ``topic_min_insync_replicas`` | topic | the fewest copies of an acknowledged write, by the topic's settings
|
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any, Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource

from harness.base.errors import WaitTimeout
from harness.base.report import Report
from harness.base.waiting import wait_until
from harness.observe.platform.sampler import Reading
from pipeline.base.endpoints import KafkaEndpoint
from pipeline.base.kafka_access import client_config
from pipeline.contract.topics import TOPICS

TOPIC_FACTOR: Final = "topic_replication_factor"
TOPIC_IN_SYNC: Final = "topic_min_insync_replicas"
_TIMEOUT_S: Final = 5.0
_PATIENCE_S: Final = 15.0
_INTERNAL: Final = ("__consumer_offsets", "__transaction_state")
"""Kafka's internal topics, which hold the pipeline's progress and transactions."""
Query = Callable[[], tuple[Reading, ...]]
"""Queries an engine. Raises CopiesUnknown while there is no answer."""


class CopiesUnknown(Exception):
    """An engine could not be queried; the message has the reason."""


def replication(queries: Mapping[str, Query], report: Report) -> tuple[Reading, ...]:
    """Return the current numbers. A place without an answer for 15 s is left out and reported."""
    readings: list[Reading] = []
    for place, query in queries.items():
        try:
            readings += wait_until(
                query,
                timeout_s=_PATIENCE_S,
                what=f"the replication of {place}",
                poll_s=0.5,
                transient=(CopiesUnknown,),
            )
        except WaitTimeout as error:
            report(str(error))
    return tuple(readings)


def copies_of_topics(kafka: KafkaEndpoint) -> tuple[Reading, ...]:
    """Query Kafka for the copies of its topics. Raises CopiesUnknown."""
    try:
        return tuple(topic_readings(_admin(kafka)))
    except (KafkaException, FutureTimeout, OSError) as error:
        raise CopiesUnknown(f"{type(error).__name__}: {error}") from error


def topic_readings(admin: Any) -> Iterator[Reading]:
    """The readings of the pipeline's topics, and of Kafka's internal topics that it depends on."""
    topics = admin.list_topics(timeout=_TIMEOUT_S).topics
    present = [name for name in (*TOPICS, *_INTERNAL) if name in topics and topics[name].partitions]
    for name in present:
        fewest = min(len(partition.replicas) for partition in topics[name].partitions.values())
        yield Reading(metric=TOPIC_FACTOR, label=name, value=fewest)
    own = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in present if name in TOPICS]
    for resource, answer in admin.describe_configs(own, request_timeout=_TIMEOUT_S).items():
        settings = answer.result(timeout=_TIMEOUT_S)
        in_sync = int(settings["min.insync.replicas"].value)
        yield Reading(metric=TOPIC_IN_SYNC, label=resource.name, value=in_sync)


def _admin(kafka: KafkaEndpoint) -> AdminClient:
    return AdminClient({**client_config(kafka), "log_level": 0})
