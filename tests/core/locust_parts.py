"""A load in processes of its own, against brokers that librdkafka plays itself."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition

from harness.base.clocks import Clocks
from harness.base.event_clock import origin_for
from harness.base.run_clock import RunClock
from harness.load.workers.config import LoadConfig
from harness.load.workers.driver import load_argv
from harness.load.workers.source import EventsSource, LoadSource
from pipeline.base.endpoints import Endpoints, KafkaEndpoint
from tests.core.events_parts import write_plan

PARTITIONS = 4
"""Of a topic that the brokers make up when they hear of it."""


@contextmanager
def mock_kafka() -> Iterator[KafkaEndpoint]:
    """One broker of librdkafka's mock cluster, with the topic ``events``, for other processes on loopback."""
    cluster = Producer({"bootstrap.servers": "", "test.mock.num.brokers": 1, "log_level": 0})
    brokers = cluster.list_topics("events", timeout=10).brokers.values()
    yield KafkaEndpoint(
        bootstrap_servers=tuple(f"{broker.host}:{broker.port}" for broker in brokers), replication_factor=1
    )
    del cluster


def configure(
    folder: Path,
    kafka: KafkaEndpoint,
    rows: Sequence[dict[str, Any]],
    source: LoadSource | None = None,
) -> LoadConfig:
    """A load of these rows, or of another source, that starts with Locust's test."""
    planned = EventsSource(plan=write_plan(folder / "plan.parquet", rows))
    (folder / "load").mkdir()
    Endpoints(services=(kafka,)).save(folder / "endpoints.json")
    clock = RunClock.start()
    return LoadConfig(
        endpoints=folder / "endpoints.json",
        topic="events",
        source=source or planned,
        history=folder / "history",
        progress=folder / "load",
        clocks=Clocks(
            epoch_unix_ns=clock.epoch_unix_ns,
            epoch_monotonic_ns=clock.epoch_monotonic_ns,
            load_start_ns=0,
            origin_ms=origin_for(span_ms=10_000, start_unix_ms=time.time_ns() // 1_000_000),
            time_scale=1.0,
        ),
        starts_with_test=True,
        linger_ms=1,
    )


@contextmanager
def load_of(config: LoadConfig, folder: Path, processes: int) -> Iterator[subprocess.Popen[bytes]]:
    """Locust, as the runner starts it; its output goes to ``load.log``. It does not outlive the block."""
    argv, env = load_argv(folder / "load.json", config, duration_s=10, processes=processes)
    with (folder / "load.log").open("wb") as log:
        process = subprocess.Popen(argv, env={**os.environ, **env}, stdout=log, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def payloads(kafka: KafkaEndpoint, topic: str, count: int) -> list[list[bytes]]:
    """What lies in each partition, once there are so many events in all."""
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": "test", "log_level": 0})
    consumer.assign([TopicPartition(topic, partition, 0) for partition in range(PARTITIONS)])
    found: list[list[bytes]] = [[] for _ in range(PARTITIONS)]
    for message in consumer.consume(count, timeout=10):
        found[message.partition()].append(message.value())
    consumer.close()
    return found
