"""Asks a Kafka broker for real work: a record that every replica acknowledges, fetched back."""

from __future__ import annotations

import uuid
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from harness.services.network import check_listening
from harness.services.protocol import Node, NotReady
from pipeline.endpoints import KafkaEndpoint
from pipeline.kafka_access import client_config

PROBE_TOPIC: Final = "__floodmark_probe"
_PORT: Final = 9092
_TIMEOUT_S: Final = 3.0


def check_broker(node: Node, *, node_id: int, replication_factor: int) -> None:
    """Produce, fetch, and see this broker among the replicas in sync. Raises ``NotReady``."""
    check_listening(node.address, _PORT)
    endpoint = KafkaEndpoint(bootstrap_servers=(f"{node.address}:{_PORT}",))
    # What a broker that is not up yet answers is reported as the last thing seen, and not on standard error.
    settings = {**client_config(endpoint), "log_level": 0, "socket.timeout.ms": int(_TIMEOUT_S * 1000)}
    try:
        if node.spec.index == 0:
            _ensure_topic(settings, replication_factor)
        offset, value = _produce(settings)
        _fetch(settings, offset, value)
        _check_in_sync(settings, node_id)
    except (KafkaException, TimeoutError) as error:
        raise NotReady(f"{type(error).__name__}: {error}") from error


def _ensure_topic(settings: dict[str, Any], replication_factor: int) -> None:
    topic = NewTopic(PROBE_TOPIC, num_partitions=1, replication_factor=replication_factor)
    admin = AdminClient(settings)  # its requests end with it
    created = admin.create_topics([topic], operation_timeout=_TIMEOUT_S)
    try:
        created[PROBE_TOPIC].result(_TIMEOUT_S)
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise


def _produce(settings: dict[str, Any]) -> tuple[int, bytes]:
    outcome: list[tuple[KafkaError | None, Message]] = []
    producer = Producer(
        {**settings, "acks": "all", "linger.ms": 0, "message.timeout.ms": int(_TIMEOUT_S * 1000)}
    )
    value = uuid.uuid4().bytes
    producer.produce(PROBE_TOPIC, value, partition=0, on_delivery=lambda *result: outcome.append(result))
    producer.flush(_TIMEOUT_S)
    if not outcome:
        raise NotReady("a record was not acknowledged")
    error, message = outcome[0]
    offset = message.offset()
    if error is not None or offset is None:
        raise NotReady(f"a record was refused: {error}")
    return offset, value


def _fetch(settings: dict[str, Any], offset: int, value: bytes) -> None:
    consumer = Consumer({**settings, "group.id": PROBE_TOPIC, "enable.auto.commit": False})
    try:
        consumer.assign([TopicPartition(PROBE_TOPIC, 0, offset)])
        message = consumer.poll(_TIMEOUT_S)
        if message is None or message.value() != value:
            raise NotReady(f"the record at offset {offset} was not fetched: {message and message.error()}")
    finally:
        consumer.close()


def _check_in_sync(settings: dict[str, Any], node_id: int) -> None:
    partition = AdminClient(settings).list_topics(PROBE_TOPIC, _TIMEOUT_S).topics[PROBE_TOPIC].partitions[0]
    if node_id not in partition.isrs:
        raise NotReady(f"replicas in sync are {partition.isrs}, not yet {node_id}")
