"""Probes a Kafka broker with real work: produces a record with acks=all and fetches it back."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from harness.services.protocol import Node, NotReady, check_listening
from pipeline.base.endpoints import KafkaEndpoint
from pipeline.base.kafka_access import client_config

_PORT: Final = 9092
_TIMEOUT_S: Final = 3.0


def check_broker(node: Node, *, node_id: int, replication_factor: int) -> None:
    """Produce, fetch, and require this broker among the in-sync replicas. Raises ``NotReady``.

    Each broker has its own probe topic and holds a replica of it: in a shared topic, brokers beyond the third
    would hold none.
    """
    check_listening(node.address, _PORT)
    endpoint = KafkaEndpoint(bootstrap_servers=(f"{node.address}:{_PORT}",))
    # NotReady reports errors of a broker that is still starting; keep them out of standard error.
    settings = {**client_config(endpoint), "log_level": 0, "socket.timeout.ms": int(_TIMEOUT_S * 1000)}
    topic = f"__floodmark_probe_{node_id}"
    try:
        admin = AdminClient(settings)
        _ensure_topic(admin, topic, node_id, replication_factor)
        offset, value = _produce(settings, topic)
        _fetch(settings, topic, offset, value)
        _check_in_sync(admin, topic, node_id)
    except (KafkaException, TimeoutError) as error:
        raise NotReady(f"{type(error).__name__}: {error}") from error


def replicas_of(node_id: int, brokers: Collection[int], count: int) -> list[int]:
    """This broker and the next ones in the ring of broker IDs."""
    ring = sorted(brokers, key=lambda number: (number < node_id, number))
    return ring[:count]


def _ensure_topic(admin: AdminClient, topic: str, node_id: int, replication_factor: int) -> None:
    cluster = admin.list_topics(timeout=_TIMEOUT_S)
    known = ", ".join(map(str, sorted(cluster.brokers)))
    if node_id not in cluster.brokers:
        raise NotReady(f"broker {node_id} has not joined; brokers in the cluster: {known}")
    if topic in cluster.topics:
        return
    if len(cluster.brokers) < replication_factor:
        raise NotReady(f"{replication_factor} brokers are needed; brokers in the cluster: {known}")
    replicas = replicas_of(node_id, cluster.brokers, replication_factor)
    created = admin.create_topics(
        [NewTopic(topic, num_partitions=1, replica_assignment=[replicas])], operation_timeout=_TIMEOUT_S
    )
    try:
        created[topic].result(_TIMEOUT_S)
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise


def _produce(settings: dict[str, Any], topic: str) -> tuple[int, bytes]:
    outcome: list[tuple[KafkaError | None, Message]] = []
    producer = Producer(
        {**settings, "acks": "all", "linger.ms": 0, "message.timeout.ms": int(_TIMEOUT_S * 1000)}
    )
    value = uuid.uuid4().bytes
    producer.produce(topic, value, partition=0, on_delivery=lambda *result: outcome.append(result))
    producer.flush(_TIMEOUT_S)
    if not outcome:
        raise NotReady("a record was not acknowledged")
    error, message = outcome[0]
    offset = message.offset()
    if error is not None or offset is None:
        raise NotReady(f"a record was rejected: {error}")
    return offset, value


def _fetch(settings: dict[str, Any], topic: str, offset: int, value: bytes) -> None:
    consumer = Consumer({**settings, "group.id": topic, "enable.auto.commit": False})
    try:
        consumer.assign([TopicPartition(topic, 0, offset)])
        message = consumer.poll(_TIMEOUT_S)
        if message is None or message.value() != value:
            raise NotReady(f"the record at offset {offset} was not fetched: {message and message.error()}")
    finally:
        consumer.close()


def _check_in_sync(admin: AdminClient, topic: str, node_id: int) -> None:
    in_sync = admin.list_topics(topic, _TIMEOUT_S).topics[topic].partitions[0].isrs
    if node_id not in in_sync:
        raise NotReady(f"broker {node_id} is not in sync; in-sync replicas: {in_sync}")
