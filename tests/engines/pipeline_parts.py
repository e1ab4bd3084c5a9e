"""A small platform with the pipeline on it, what is sent to it, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from confluent_kafka import Message, Producer

from harness.artifacts import cache_dir, ensure
from harness.artifacts.java import find_java
from harness.backends.protocol import Platform
from harness.base.waiting import wait_until
from harness.scenario.topology import RoleSpec
from pipeline.base.endpoints import Endpoints
from pipeline.base.java_part import STREAM_JAVA, build_jar
from pipeline.base.options import PipelineOptions, StreamOptions, TopicOptions
from pipeline.contract.topics import EVENTS, EVENTS_DEAD_LETTER, EVENTS_VALID, WINDOW_RESULTS
from pipeline.deployment import Pipeline
from pipeline.stream.deployment import StreamDeployment, StreamStatus
from tests.engines.kafka_platform import MIB, one_broker, platform_of, records

PARTITIONS = 2
OPTIONS = PipelineOptions(
    stream=StreamOptions(
        parallelism=2, checkpoint_interval_s=0.5, out_of_orderness_event_s=10.0, idle_timeout_s=600.0
    ),
    topics=TopicOptions(partitions=PARTITIONS),
)


def jar() -> Path:
    """The stream job's Java part, compiled."""
    homes = ensure(["flink", "ecj"], report=lambda _: None)
    return build_jar(
        STREAM_JAVA,
        ecj=next(homes.home("ecj").glob("lib/*.jar")),
        class_path=sorted(homes.home("flink").glob("lib/*.jar")),
        cache=cache_dir() / "built",
        java=find_java().executable,
    )


@contextmanager
def small_platform(folder: Path) -> Iterator[tuple[Platform, Endpoints]]:
    """One node of each role."""
    flink = {role: RoleSpec(count=1, memory=320 * MIB) for role in ("jobmanager", "taskmanager", "gateway")}
    cassandra = {"node": RoleSpec(count=1, memory=384 * MIB)}
    with platform_of(folder, kafka=one_broker(), flink=flink, cassandra=cassandra) as platform:
        endpoints = platform.endpoints
        yield platform, endpoints.replacing(replace(endpoints.flink, job_jar=str(jar())))


def event(event_id: str, *, entity_id: str = "e", category: str | None = "c", **more: Any) -> bytes:
    """A valid event, as its producer would write it."""
    body = {"event_id": event_id, "event_type": "seen", "entity_id": entity_id, "category": category}
    return json.dumps(body | more).encode()


@dataclass(frozen=True, kw_only=True)
class Stage:
    """The pipeline on its platform."""

    platform: Platform
    endpoints: Endpoints
    pipeline: Pipeline

    def job(self) -> StreamStatus | None:
        """How the stream job is doing; None when there never was one."""
        return StreamDeployment(self.endpoints.flink).status()

    def send(self, *sent: tuple[int, bytes | None], partition: int = 0) -> list[int]:
        """Send records of these event times to one partition, in this order; their offsets."""
        producer = Producer({"bootstrap.servers": self.endpoints.kafka.bootstrap, "acks": "all"})
        delivered: list[Message] = []
        for at_ms, value in sent:
            producer.produce(
                EVENTS,
                value=value,
                key=b"k",
                partition=partition,
                timestamp=at_ms,
                on_delivery=lambda _, message: delivered.append(message),
            )
        assert producer.flush(30) == 0
        return [message.offset() or 0 for message in delivered]

    def close_windows(self, at_ms: int) -> None:
        """Push the watermark of every partition to just before this moment."""
        late_by_ms = round(OPTIONS.stream.out_of_orderness_event_s * 1000)
        for partition in range(PARTITIONS):
            value = event(f"closing-{partition}-{at_ms}", entity_id="closing", category="closing")
            self.send((at_ms + late_by_ms, value), partition=partition)

    def read(self, topic: str) -> list[Message]:
        """Everything committed in a topic."""
        return records(self.endpoints.kafka, topic)

    def valid(self) -> list[str]:
        """Ids of the events in ``events_valid``, as often as they are there."""
        return [json.loads(message.value() or b"")["event_id"] for message in self.read(EVENTS_VALID)]

    def windows(self) -> list[dict[str, Any]]:
        """Every window result but those of closing events."""
        found = [json.loads(message.value() or b"") for message in self.read(WINDOW_RESULTS)]
        return [window for window in found if window["key"] != "closing"]

    def wait_for_valid(self, *event_ids: str) -> None:
        """Return once these events have passed."""
        wait_until(
            lambda: set(event_ids) <= set(self.valid()),
            timeout_s=60,
            what=f"{event_ids} in events_valid",
            last_seen=lambda: str(self.valid()[-5:]),
        )

    def wait_for_windows(self, kind: str, end_ms: int) -> None:
        """Return once a window of this kind that ends then, or later, was emitted."""
        wait_until(
            lambda: any(w["window_kind"] == kind and w["window_end"] >= end_ms for w in self.windows()),
            timeout_s=60,
            what=f"a {kind} window that ends at {end_ms}",
            last_seen=lambda: str(self.windows()[-3:]),
        )

    def wait_for_dead_letters(self, count: int) -> Sequence[Message]:
        """Everything in the dead-letter topic, once it is so much."""

        def enough() -> list[Message]:
            found = self.read(EVENTS_DEAD_LETTER)
            return found if len(found) >= count else []

        return wait_until(enough, timeout_s=60, what=f"{count} dead letters")
