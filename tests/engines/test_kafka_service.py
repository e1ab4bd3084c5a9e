"""Kafka on the process backend: three brokers in three zones that lose nothing when one is killed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from harness.backends.platform import SupervisedPlatform
from harness.base.waiting import wait_until
from tests.engines.service_platform import running, state_of

TOPIC = "events"


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SupervisedPlatform]:
    for platform in running(tmp_path_factory.mktemp("kafka"), "kafka", {"broker": (3, 256)}):
        admin = AdminClient(settings(platform))
        admin.create_topics([NewTopic(TOPIC, 3, 3)])[TOPIC].result(30)
        yield platform


def settings(platform: SupervisedPlatform) -> dict[str, Any]:
    return {"bootstrap.servers": platform.endpoints.kafka.bootstrap}


def produce(platform: SupervisedPlatform, value: str) -> None:
    failed: list[object] = []
    producer = Producer({**settings(platform), "acks": "all", "message.timeout.ms": 30000})
    producer.produce(TOPIC, value, on_delivery=lambda error, _: failed.append(error) if error else None)
    assert producer.flush(40) == 0
    assert failed == []


def consume(platform: SupervisedPlatform) -> list[str]:
    consumer = Consumer({**settings(platform), "group.id": "test", "enable.partition.eof": True})
    try:
        consumer.assign([TopicPartition(TOPIC, partition, 0) for partition in range(3)])
        messages = iter(lambda: consumer.poll(30), None)
        ended, values = 0, []
        while ended < 3:
            message = next(messages)
            ended += 1 if message.error() else 0
            values += [] if message.error() else [(message.value() or b"").decode()]
        return values
    finally:
        consumer.close()


def leader_of_first(platform: SupervisedPlatform) -> int:
    admin = AdminClient(settings(platform))
    return int(admin.list_topics(TOPIC, timeout=10).topics[TOPIC].partitions[0].leader)


def test_every_broker_is_in_a_zone_of_its_own(platform: SupervisedPlatform) -> None:
    admin = AdminClient(settings(platform))
    racks = {node.rack for node in admin.describe_cluster().result(30).nodes}
    assert racks == {"a", "b", "c"}


def test_what_is_produced_is_fetched(platform: SupervisedPlatform) -> None:
    produce(platform, "round trip")
    assert "round trip" in consume(platform)


def test_a_killed_leader_is_replaced_and_comes_back_with_its_data(platform: SupervisedPlatform) -> None:
    produce(platform, "before the kill")
    leader = leader_of_first(platform)
    node = f"kafka-broker-{leader}"
    platform.signal(node, "kill")
    wait_until(lambda: leader_of_first(platform) not in (leader, -1), timeout_s=30, what="another leader")
    produce(platform, "without it")
    platform.start(node)
    assert state_of(platform, node) == "ready"
    assert {"before the kill", "without it"} <= set(consume(platform))


def test_a_paused_broker_takes_part_again_when_it_is_resumed(platform: SupervisedPlatform) -> None:
    platform.signal("kafka-broker-2", "pause")
    produce(platform, "while it is paused")
    platform.signal("kafka-broker-2", "resume")
    wait_until(lambda: in_sync(platform, 2), timeout_s=30, what="the broker to be in sync")
    assert "while it is paused" in consume(platform)


def in_sync(platform: SupervisedPlatform, broker: int) -> bool:
    partitions = AdminClient(settings(platform)).list_topics(TOPIC, timeout=10).topics[TOPIC].partitions
    return all(broker in partition.isrs for partition in partitions.values())


def test_a_fifth_broker_starts_and_takes_part_again_after_it_was_killed(tmp_path: Path) -> None:
    for platform in running(tmp_path, "kafka", {"broker": (5, 192)}):
        assert {row.state for row in platform.status()} == {"ready"}
        platform.signal("kafka-broker-5", "kill")
        platform.start("kafka-broker-5")
        assert state_of(platform, "kafka-broker-5") == "ready"
