"""Others that produce into Kafka, as fast as each goes."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

from harness.artifacts import ensure
from harness.artifacts.java import find_java
from harness.observe.readback.record_batches import FoundBatch
from pipeline.base.errors import KafkaFailed
from tests.bench.contender import Sent, Task, run_child

_BATCH_BYTES: Final = 1_000_000
"""What they may put into a batch: about what the broker takes, and what serves them best."""


class _PythonPeer:
    """A client library in a loop of its own, in a process of its own, which prints its count and its time."""

    name: str
    module: str

    def send(self, task: Task) -> Sent:
        """Run the loop."""
        argv = [
            *(sys.executable, "-m", self.module, task.endpoints.kafka.bootstrap),
            *(task.topic, str(task.payloads), str(task.events), str(_BATCH_BYTES)),
        ]
        cpu_s, printed = run_child(argv)
        said = json.loads(printed.splitlines()[-1])
        return Sent(events=said["events"], run_s=said["run_s"], cpu_s=cpu_s)

    def wrong(self, task: Task, found: Sequence[FoundBatch]) -> int:
        """Its batches are its own affair: they were read with their checksums, and are counted."""
        return 0


class ConfluentContender(_PythonPeer):
    """librdkafka through confluent-kafka alone: whole lists handed to ``produce_batch``."""

    name = "confluent-kafka"
    module = "tests.bench.produce_confluent"
    events: Final = MappingProxyType({1: 8_000_000, 3: 5_000_000})


class AiokafkaContender(_PythonPeer):
    """aiokafka alone: batches filled event by event, by its own encoder, and sent whole."""

    name = "aiokafka"
    module = "tests.bench.produce_aiokafka"
    events: Final = MappingProxyType({1: 3_000_000, 3: 3_000_000})


class PerformanceToolContender:
    """Kafka's own ``ProducerPerformance``, which draws its payloads from the file by chance."""

    name = "ProducerPerformance"
    events: Final = MappingProxyType({1: 6_000_000, 3: 4_000_000})

    def send(self, task: Task) -> Sent:
        """Run the tool, and read its last line."""
        home = ensure(["kafka"], report=lambda _: None).home("kafka")
        argv = [
            *(str(find_java().executable), "-Xmx1g", "-cp", f"{home}/lib/*"),
            "org.apache.kafka.tools.ProducerPerformance",
            *("--bootstrap-server", task.endpoints.kafka.bootstrap, "--topic", task.topic),
            *("--num-records", str(task.events), "--throughput", "-1", "--payload-file", str(task.payloads)),
            *("--command-property", "acks=all", "compression.type=snappy", "linger.ms=20"),
            *(f"batch.size={_BATCH_BYTES}", "buffer.memory=134217728"),
        ]
        cpu_s, printed = run_child(argv)
        said = re.search(r"([\d.]+) records sent, ([\d.]+) records/sec", printed.splitlines()[-1])
        if said is None:
            raise KafkaFailed(f"{self.name} ended with: {printed[-300:]}")
        return Sent(events=int(float(said[1])), run_s=float(said[1]) / float(said[2]), cpu_s=cpu_s)

    def wrong(self, task: Task, found: Sequence[FoundBatch]) -> int:
        """Which payloads it drew is not known."""
        return 0
