"""A broker, a plan and the load's own process, for tests of single events on a real Kafka."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from confluent_kafka import Message
from confluent_kafka.admin import AdminClient, NewTopic

from harness.backends.process.backend import ProcessBackend
from harness.backends.protocol import Platform
from harness.base.clocks import Clocks
from harness.base.event_clock import origin_for
from harness.base.run_clock import RunClock
from harness.base.waiting import wait_until
from harness.history.progress import LoadProgress
from harness.load.workers.config import LoadConfig
from harness.load.workers.driver import load_argv
from harness.load.workers.source import EventsSource
from harness.observe.readback.topic_reader import TopicReader
from harness.scenario.topology import RoleSpec, Topology
from pipeline.base.endpoints import KafkaEndpoint
from tests.core.events_parts import write_plan

MIB = 2**20


@contextmanager
def platform_of(folder: Path, **services: dict[str, RoleSpec]) -> Iterator[Platform]:
    """A platform with these services."""
    topology = Topology(name="test", zones=("a",), services=services, jit="c1")
    platform = ProcessBackend().up(
        topology, data_dir=folder / "data", log_dir=folder / "logs", report=lambda _: None
    )
    try:
        yield platform
    finally:
        platform.down()


def one_broker() -> dict[str, RoleSpec]:
    """The smallest Kafka."""
    return {"broker": RoleSpec(count=1, memory=256 * MIB)}


def make_topic(kafka: KafkaEndpoint, name: str, partitions: int = 3, **config: str) -> str:
    """A new topic; ``config`` has the broker's names with ``_`` for ``.``."""
    settings = {key.replace("_", "."): value for key, value in config.items()}
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    for future in admin.create_topics(
        [NewTopic(name, partitions, 1, config=settings)], operation_timeout=30
    ).values():
        future.result(30)
    return name


def records(kafka: KafkaEndpoint, topic: str) -> list[Message]:
    """Everything in a topic, by partition and offset."""
    with TopicReader(kafka) as reader:
        found = [message for chunk in reader.read(reader.spans(topic)) for message in chunk]
    return sorted(found, key=lambda message: (message.partition(), message.offset()))


@dataclass(frozen=True, kw_only=True)
class Load:
    """A load in a process of its own, as the runner starts it."""

    config: LoadConfig
    process: subprocess.Popen[bytes]

    def progress(self) -> LoadProgress | None:
        """What the load says of itself."""
        return LoadProgress.load(self.config.progress)

    def wait_until_sent(self, events: int) -> LoadProgress:
        """Return once so many events were handed to the client."""

        def sent() -> LoadProgress | None:
            assert self.process.poll() is None, self.log()
            progress = self.progress()
            return progress if progress is not None and progress.sent >= events else None

        return wait_until(sent, timeout_s=60, what=f"{events} events to be sent", last_seen=self.log)

    def wait(self) -> int:
        """The exit code of the load."""
        return self.process.wait(timeout=120)

    def log(self) -> str:
        """What the load's process printed."""
        return (self.config.history / "load.log").read_text()

    def operations(self) -> list[dict[str, Any]]:
        """The recorded ranges, by seq."""
        parts = sorted((self.config.history / "operations").glob("*.parquet"))
        table = pa.concat_tables([pq.read_table(part) for part in parts], promote_options="permissive")
        rows: list[dict[str, Any]] = table.to_pylist()
        return sorted(rows, key=lambda row: row["first_seq"])

    def outcomes(self) -> dict[int, str]:
        """The outcome of each event that has one."""
        return {
            seq: row["outcome"]
            for row in self.operations()
            for seq in range(row["first_seq"], row["last_seq"] + 1)
        }


def configure(folder: Path, platform: Platform, rows: Sequence[dict[str, Any]], topic: str) -> LoadConfig:
    """A load of these rows; its event clock starts with Locust's test."""
    (folder / "load").mkdir(parents=True, exist_ok=True)
    platform.endpoints.save(folder / "endpoints.json")
    clock = RunClock.start()
    span_ms = max(row["event_offset_ms"] for row in rows)
    return LoadConfig(
        endpoints=folder / "endpoints.json",
        topic=topic,
        source=EventsSource(plan=write_plan(folder / "plan.parquet", rows)),
        history=folder,
        progress=folder / "load",
        clocks=Clocks(
            epoch_unix_ns=clock.epoch_unix_ns,
            epoch_monotonic_ns=clock.epoch_monotonic_ns,
            load_start_ns=0,
            origin_ms=origin_for(span_ms=span_ms, start_unix_ms=time.time_ns() // 1_000_000),
            time_scale=1.0,
        ),
        starts_with_test=True,
    )


@contextmanager
def load_of(config: LoadConfig, *more: str, headless: bool = True) -> Iterator[Load]:
    """The load's process, which does not outlive the block."""
    argv, env = load_argv(config.history / "load.json", config, duration_s=60)
    if not headless:
        argv = [arg for arg in argv if arg not in ("--headless", "--only-summary")]
    with (config.history / "load.log").open("wb") as log:
        process = subprocess.Popen(
            [*argv, *more], env={**os.environ, **env}, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        yield Load(config=config, process=process)
    finally:
        process.kill()
        process.wait()
