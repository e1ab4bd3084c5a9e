"""Who produces into Kafka, each in a process of its own, so that its processor time is its own."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

import duckdb

from harness.base.clocks import Clocks
from harness.base.event_clock import origin_for
from harness.base.run_clock import RunClock
from harness.load.send.computed.config import ComputedConfig, FromGenerator, FromLines
from harness.load.send.record_batches.config import RecordBatchesConfig
from harness.load.send.record_batches.trace import EncodedTrace
from harness.load.traces.mapping import GeneratedMapping, read_mapping
from harness.observe.readback.record_batches import FoundBatch
from tests.bench.contender import Contender, Sent, Task, run_child
from tests.bench.peers import AiokafkaContender, ConfluentContender, PerformanceToolContender

_VISITS: Final = Path("scenarios/traces/visits.yaml")
_COMPUTED_SPAN_MS: Final = 60_000


class RecordBatchesContender:
    """Our record batches: each batch of the topic must be the next of its partition's lane, moved in time."""

    name = "record_batches"
    events: Final = MappingProxyType({1: 30_000_000, 3: 20_000_000})

    def send(self, task: Task) -> Sent:
        """Run the process that sends record batches, and take its times from its history."""
        history = task.folder / "history"
        config = self._config(task, history)
        config.save(task.folder / "record_batches.json")
        argv = [
            sys.executable,
            "-m",
            "harness.load.send.record_batches",
            "--config",
            str(task.folder / "record_batches.json"),
        ]
        cpu_s, _ = run_child(argv)
        return _recorded(history, cpu_s)

    def wrong(self, task: Task, found: Sequence[FoundBatch]) -> int:
        """Compare identities and checksums, batch by batch."""
        trace = EncodedTrace.open(task.trace)
        config = RecordBatchesConfig.load(task.folder / "record_batches.json")
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

    def _config(self, task: Task, history: Path) -> RecordBatchesConfig:
        task.endpoints.save(task.folder / "endpoints.json")
        period_ms = EncodedTrace.open(task.trace).facts.span_ms + 1
        repetitions = task.events // EncodedTrace.open(task.trace).facts.events + 1
        return RecordBatchesConfig(
            endpoints=task.folder / "endpoints.json",
            topic=task.topic,
            trace=task.trace,
            history=history,
            progress=task.folder / "progress",
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


class ComputedContender:
    """Our computed path: batches filled while others are sent, each event with its time and outcome."""

    events: Final = MappingProxyType({1: 6_000_000, 3: 4_000_000})

    def __init__(self, *, generated: bool) -> None:
        self.name = "computed, generated" if generated else "computed"
        self._generated = generated

    def send(self, task: Task) -> Sent:
        """Run the load's own process, and take its times from its history."""
        history = task.folder / "history"
        task.endpoints.save(task.folder / "endpoints.json")
        ComputedConfig(
            endpoints=task.folder / "endpoints.json",
            topic=task.topic,
            source=self._source(task),
            history=history,
            progress=task.folder / "progress",
            clocks=_clocks(span_ms=_COMPUTED_SPAN_MS),
            events=task.events,
        ).save(task.folder / "computed.json")
        argv = [
            sys.executable,
            "-m",
            "harness.load.send.computed",
            "--config",
            str(task.folder / "computed.json"),
        ]
        cpu_s, _ = run_child(argv)
        return _recorded(history, cpu_s)

    def wrong(self, task: Task, found: Sequence[FoundBatch]) -> int:
        """Batches are made as they are sent: they were read with their checksums, and are counted."""
        return 0

    def _source(self, task: Task) -> FromGenerator | FromLines:
        if not self._generated:
            return FromLines(path=task.payloads, span_ms=_COMPUTED_SPAN_MS)
        mapping, _ = read_mapping(_VISITS)
        if not isinstance(mapping, GeneratedMapping):
            raise TypeError(f"{_VISITS} is no generator")
        return FromGenerator(generate=mapping.generate, seed=1, span_ms=_COMPUTED_SPAN_MS)


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


CONTENDERS: Final[tuple[Contender, ...]] = (
    RecordBatchesContender(),
    ComputedContender(generated=False),
    ComputedContender(generated=True),
    ConfluentContender(),
    AiokafkaContender(),
    PerformanceToolContender(),
)
