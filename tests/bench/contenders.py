"""Who produces into Kafka, each in a process of its own, so that its processor time is its own."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol

import duckdb

from harness.artifacts import ensure
from harness.artifacts.java import find_java
from harness.clocks import Clocks
from harness.load.clock import origin_for
from harness.load.live.config import FromGenerator, FromLines, LiveConfig
from harness.load.mapping import GeneratedMapping, read_mapping
from harness.load.wire.config import WireConfig
from harness.load.wire.trace import EncodedTrace
from harness.observe.batch_reader import FoundBatch
from harness.run_clock import RunClock
from pipeline.endpoints import Endpoints
from pipeline.errors import KafkaFailed

_TIMEOUT_S: Final = 300
_VISITS: Final = Path("scenarios/traces/visits.yaml")
_LIVE_SPAN_MS: Final = 60_000
_BATCH_BYTES: Final = 1_000_000
"""What the peers may put into a batch: about what the broker takes, and what serves them best."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What a contender is to send. Nobody sends keys, but the live path with generated events."""

    endpoints: Endpoints
    topic: str
    events: int
    payloads: Path
    """A payload a line."""
    trace: Path
    """The same payloads, encoded."""
    folder: Path
    """For its own files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What a contender says of itself. The topic is read back besides."""

    events: int
    """Acknowledged."""
    run_s: float
    """From its first send to its last acknowledgement; its start is not counted."""
    cpu_s: float
    """Of its process, its start included."""


class Contender(Protocol):
    """One way to produce."""

    @property
    def name(self) -> str:
        """As it is shown."""
        ...

    @property
    def events(self) -> Mapping[int, int]:
        """By the number of brokers: what makes a run of about ten seconds."""
        ...

    def send(self, task: Task) -> Sent:
        """Send everything. Raises KafkaFailed."""
        ...

    def wrong(self, task: Task, found: Sequence[FoundBatch]) -> int:
        """Batches of the topic that are not what was to be there, as far as that is certain."""
        ...


class WireReplayContender:
    """Our replay: each batch of the topic must be the next of its partition's lane, moved in time."""

    name = "replay"
    events: Final = MappingProxyType({1: 30_000_000, 3: 12_000_000})

    def send(self, task: Task) -> Sent:
        """Run the replay's own process, and take its times from its history."""
        history = task.folder / "history"
        config = self._config(task, history)
        config.save(task.folder / "wire.json")
        argv = [sys.executable, "-m", "harness.load.wire", "--config", str(task.folder / "wire.json")]
        cpu_s, _ = _run(argv)
        return _recorded(history, cpu_s)

    def wrong(self, task: Task, found: Sequence[FoundBatch]) -> int:
        """Compare identities and checksums, batch by batch."""
        trace, config = EncodedTrace.open(task.trace), WireConfig.load(task.folder / "wire.json")
        wrong = 0
        for partition in range(trace.facts.partitions):
            there = [batch for batch in found if batch.partition == partition]
            sent = _lane_sent(trace, lane_of=partition, events=task.events, origin_ms=config.clocks.origin_ms)
            wrong += abs(len(there) - len(sent))
            wrong += sum(
                (batch.count, batch.base_timestamp_ms, batch.records_crc) != expected
                for batch, expected in zip(there, sent, strict=False)
            )
        return wrong

    def _config(self, task: Task, history: Path) -> WireConfig:
        task.endpoints.save(task.folder / "endpoints.json")
        period_ms = EncodedTrace.open(task.trace).facts.span_ms + 1
        repetitions = task.events // EncodedTrace.open(task.trace).facts.events + 1
        return WireConfig(
            endpoints=task.folder / "endpoints.json",
            topic=task.topic,
            trace=task.trace,
            history=history,
            progress=task.folder / "progress.json",
            clocks=_clocks(span_ms=repetitions * period_ms),
            events=task.events,
        )


def _lane_sent(
    trace: EncodedTrace, *, lane_of: int, events: int, origin_ms: int
) -> list[tuple[int, int, int]]:
    """Count, base timestamp and checksum of every batch that a partition was to get, in order."""
    sent: list[tuple[int, int, int]] = []
    repetition = 0
    period_ms = trace.facts.span_ms + 1
    while repetition * trace.facts.events < events:
        for placed in trace.lanes[lane_of]:
            if repetition * trace.facts.events + placed.first_event >= events:
                return sent
            moved_ms = origin_ms + repetition * period_ms
            sent.append(
                (placed.batch.count, placed.batch.base_timestamp_ms + moved_ms, placed.batch.records_crc)
            )
        repetition += 1
    return sent


class LiveContender:
    """Our live path: event by event through librdkafka, each with its time, and each outcome known."""

    events: Final = MappingProxyType({1: 6_000_000, 3: 4_000_000})

    def __init__(self, *, generated: bool) -> None:
        self.name = "live, generated" if generated else "live"
        self._generated = generated

    def send(self, task: Task) -> Sent:
        """Run the load's own process, and take its times from its history."""
        history = task.folder / "history"
        task.endpoints.save(task.folder / "endpoints.json")
        LiveConfig(
            endpoints=task.folder / "endpoints.json",
            topic=task.topic,
            source=self._source(task),
            history=history,
            progress=task.folder / "progress",
            clocks=_clocks(span_ms=_LIVE_SPAN_MS),
            events=task.events,
        ).save(task.folder / "live.json")
        argv = [sys.executable, "-m", "harness.load.live", "--config", str(task.folder / "live.json")]
        cpu_s, _ = _run(argv)
        return _recorded(history, cpu_s)

    def wrong(self, task: Task, found: Sequence[FoundBatch]) -> int:
        """Batches are librdkafka's affair: they were read with their checksums, and are counted."""
        return 0

    def _source(self, task: Task) -> FromGenerator | FromLines:
        if not self._generated:
            return FromLines(path=task.payloads, span_ms=_LIVE_SPAN_MS)
        mapping, _ = read_mapping(_VISITS)
        if not isinstance(mapping, GeneratedMapping):
            raise TypeError(f"{_VISITS} is no generator")
        return FromGenerator(generate=mapping.generate, seed=1, span_ms=_LIVE_SPAN_MS)


class ConfluentContender:
    """librdkafka through confluent-kafka alone: whole lists handed to ``produce_batch``."""

    name = "confluent-kafka"
    events: Final = MappingProxyType({1: 8_000_000, 3: 5_000_000})

    def send(self, task: Task) -> Sent:
        """Run the loop in a process of its own, which prints its count and its time."""
        argv = [
            *(sys.executable, "-m", "tests.bench.produce_confluent", task.endpoints.kafka.bootstrap),
            *(task.topic, str(task.payloads), str(task.events), str(_BATCH_BYTES)),
        ]
        cpu_s, printed = _run(argv)
        said = json.loads(printed.splitlines()[-1])
        return Sent(events=said["events"], run_s=said["run_s"], cpu_s=cpu_s)

    def wrong(self, task: Task, found: Sequence[FoundBatch]) -> int:
        """Its batches are its own affair: they were read with their checksums, and are counted."""
        return 0


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
        cpu_s, printed = _run(argv)
        said = re.search(r"([\d.]+) records sent, ([\d.]+) records/sec", printed.splitlines()[-1])
        if said is None:
            raise KafkaFailed(f"{self.name} ended with: {printed[-300:]}")
        return Sent(events=int(float(said[1])), run_s=float(said[1]) / float(said[2]), cpu_s=cpu_s)

    def wrong(self, task: Task, found: Sequence[FoundBatch]) -> int:
        """Which payloads it drew is not known."""
        return 0


CONTENDERS: Final[tuple[Contender, ...]] = (
    WireReplayContender(),
    LiveContender(generated=False),
    LiveContender(generated=True),
    ConfluentContender(),
    PerformanceToolContender(),
)


def shorter(task: Task, share: float) -> Task:
    """The same task for fewer events."""
    return replace(task, events=max(1, round(task.events * share)))


def _clocks(*, span_ms: int) -> Clocks:
    """Of a load that starts now and whose event times reach over ``span_ms``."""
    clock = RunClock.start()
    return Clocks(
        epoch_unix_ns=clock.epoch_unix_ns,
        epoch_monotonic_ns=clock.epoch_monotonic_ns,
        load_start_ns=clock.now_ns(),
        origin_ms=origin_for(span_ms=span_ms, start_unix_ms=clock.epoch_unix_ns // 1_000_000),
        time_scale=1.0,
    )


def _recorded(history: Path, cpu_s: float) -> Sent:
    """What a load of ours wrote down of itself."""
    with duckdb.connect() as database:
        (row,) = database.execute(
            "SELECT sum(count) FILTER (outcome = 'ok'), (max(completed_ns) - min(started_ns)) / 1e9"
            " FROM read_parquet($parts)",
            {"parts": f"{history}/operations/*.parquet"},
        ).fetchall()
    return Sent(events=int(row[0]), run_s=float(row[1]), cpu_s=cpu_s)


def _run(argv: Sequence[str]) -> tuple[float, str]:
    """Processor time and output of a child that ends well. Raises KafkaFailed for one that does not."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise KafkaFailed(f"{argv[0]} ... ended with {done.returncode}: {done.stderr[-1000:]}")
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime), done.stdout
