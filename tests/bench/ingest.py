"""How many events a second get into Kafka, and for how much processor time: our load beside its peers."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from harness.artifacts import cache_dir
from harness.backends.protocol import Platform
from harness.base.report import Report
from harness.cli.output import print_table
from harness.load.plan.cached import build_plan
from harness.load.plan.file import PlanFile
from harness.load.send.record_batches.trace_build import Encoding, trace_file
from harness.observe.readback.record_batches import read_batches
from harness.validate.scenario_file import load_scenario
from pipeline.base.endpoints import Endpoints, KafkaEndpoint
from pipeline.base.kafka import Topics
from pipeline.base.options import TopicOptions
from tests.bench.cluster import kafka_cluster
from tests.bench.contender import Contender, Task, shorter
from tests.bench.contenders import CONTENDERS
from tests.bench.processor_time import ProcessorMeter
from tests.bench.protocol import Settings
from tests.bench.results import save

_SCENARIO: Final = Path("scenarios/quickstart.yaml")
"""Whose payloads are sent."""
_PARTITIONS: Final = 6
_BROKERS: Final = (1, 3)
_WARM_UP: Final = 0.15
"""Of each contender's events, sent before to a topic of their own, and not counted."""
_HEATING_EVENTS: Final = 12_000_000
_RETENTION_S: Final = 10 * 365 * 86_400
_NOTES: Final = (
    "events/s are acknowledged ones (acks=all), from the first send to the last acknowledgement; the same"
    " payloads for all, without keys, in Snappy, into six partitions.",
    "computed, generated: its payloads are computed while it sends, of about 200 bytes, and have keys.",
    "CPU s a million are those of the contender's process, its start included, and of all brokers.",
    "verified: the topic was read back; every batch's checksum holds, and it has as many records as were"
    " acknowledged. For record_batches each batch is also the next of its lane, under the time it was given.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One contender on one cluster."""

    name: str
    brokers: int
    events: int
    events_per_s: float
    cpu_s_per_million: float
    broker_cpu_s_per_million: float
    verified: bool

    def as_json(self) -> dict[str, object]:
        """As it is written down."""
        return {
            "name": self.name,
            "brokers": self.brokers,
            "replication_factor": min(self.brokers, 3),
            "events": self.events,
            "events_per_s": round(self.events_per_s),
            "cpu_s_per_million": round(self.cpu_s_per_million, 3),
            "broker_cpu_s_per_million": round(self.broker_cpu_s_per_million, 3),
            "verified": self.verified,
        }

    def row(self) -> tuple[str, ...]:
        """As it is shown."""
        return (
            self.name,
            f"{self.brokers}, RF {min(self.brokers, 3)}",
            f"{self.events_per_s:,.0f}",
            f"{self.cpu_s_per_million:.2f}",
            f"{self.broker_cpu_s_per_million:.2f}",
            "yes" if self.verified else "NO",
        )


@dataclass(frozen=True, slots=True)
class IngestBench:
    """Every contender on one broker, and on three that replicate to each other."""

    name: str = "ingest"
    summary: str = "acknowledged events/s into Kafka, of our load and of its peers"

    def run(self, settings: Settings) -> None:
        """Measure all, show them side by side, and write them down."""
        report = settings.report
        plan = build_plan(load_scenario(_SCENARIO), cache=cache_dir(), report=report)
        results: list[Result] = []
        with tempfile.TemporaryDirectory(prefix="floodmark-bench-") as name:
            payloads = _Payloads.of(plan, Path(name), report)
            for brokers in _BROKERS:
                logs = settings.out / f"{self.name}-logs" / f"{brokers}"
                with kafka_cluster(brokers, logs, Path(name), report) as platform:
                    _heat(platform, brokers, payloads, settings)
                    results += [
                        _measure(contender, platform, brokers, payloads, settings) for contender in CONTENDERS
                    ]
        self._conclude(results, settings)

    def _conclude(self, results: list[Result], settings: Settings) -> None:
        file = settings.out / f"{self.name}.json"
        document = {"bench": self.name, "notes": _NOTES, "contenders": [r.as_json() for r in results]}
        save(file, document, engines=["kafka"])
        columns = ("contender", "brokers", "events/s", "CPU s a million", "brokers' CPU s", "verified")
        print_table("Ingestion into Kafka (measured)", columns, [result.row() for result in results])
        for note in _NOTES:
            settings.report(note)
        settings.report(f"results in {file}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Payloads:
    """The same payloads, a line each and encoded."""

    lines: Path
    trace: Path

    @staticmethod
    def of(plan: PlanFile, folder: Path, report: Report) -> _Payloads:
        """The plan's valid events: the others may hold line ends, for which the peers' file has no word."""
        table = pq.read_table(plan.path, columns=["seq", "kind", "entity_id", "payload"])
        valid = table.filter(pc.equal(pc.cast(table["kind"], pa.string()), "valid"))
        lines = folder / "payloads.jsonl"
        lines.write_bytes(b"\n".join(valid["payload"].to_pylist()) + b"\n")
        # A second of event time, so that many repetitions do not reach back years.
        offsets = pc.cast(pc.multiply(pc.divide(pa.array(range(len(valid))), 1000), 3), pa.int64())
        columns = {name: valid[name] for name in ("seq", "kind", "entity_id", "payload")}
        squeezed = folder / "payloads.parquet"
        pq.write_table(pa.table({**columns, "event_offset_ms": offsets}), squeezed)
        own = PlanFile(
            path=squeezed,
            key=f"payloads of {plan.key}",
            events=len(valid),
            counts={},
            span_ms=int(pc.max(offsets).as_py()),
            last_send_ms=0,
        )
        encoding = Encoding(partitions=_PARTITIONS, keyed=False)
        return _Payloads(lines=lines, trace=trace_file(own, encoding, cache=cache_dir(), report=report))


def _heat(platform: Platform, brokers: int, payloads: _Payloads, settings: Settings) -> None:
    """Let the brokers compile what they will need, so that the first contender does not pay for all."""
    events = settings.events or _HEATING_EVENTS
    with _task(platform, brokers, payloads, events=events, name="heating") as task:
        CONTENDERS[0].send(task)


def _measure(
    contender: Contender, platform: Platform, brokers: int, payloads: _Payloads, settings: Settings
) -> Result:
    events = settings.events or contender.events[brokers]
    with _task(platform, brokers, payloads, events=events, name="warm-up") as task:
        contender.send(shorter(task, _WARM_UP))
    with _task(platform, brokers, payloads, events=events, name=contender.name) as task:
        meter = ProcessorMeter.of(platform, [f"kafka-broker-{n + 1}" for n in range(brokers)])
        meter.wait_until_quiet()
        before = sum(meter.used_s().values())
        sent = contender.send(task)
        broker_cpu_s = sum(meter.used_s().values()) - before
        found = read_batches(task.endpoints.kafka, task.topic)
        verified = sum(batch.count for batch in found) == sent.events and not contender.wrong(task, found)
    result = Result(
        name=contender.name,
        brokers=brokers,
        events=sent.events,
        events_per_s=sent.events / sent.run_s,
        cpu_s_per_million=sent.cpu_s / sent.events * 1e6,
        broker_cpu_s_per_million=broker_cpu_s / sent.events * 1e6,
        verified=verified,
    )
    settings.report(f"{brokers} brokers, {result.name}: {result.events_per_s:,.0f} events/s")
    return result


@contextmanager
def _task(platform: Platform, brokers: int, payloads: _Payloads, *, events: int, name: str) -> Iterator[Task]:
    """A task on a new topic, which goes with it."""
    endpoints = Endpoints((_replicated(platform.endpoints.kafka, brokers),))
    topic = "".join(c if c.isalnum() else "-" for c in name)
    topics = Topics(endpoints.kafka)
    options = TopicOptions(
        partitions=_PARTITIONS, retention_s=_RETENTION_S, min_insync_replicas=min(2, brokers)
    )
    topics.create([topic], options)
    with tempfile.TemporaryDirectory(prefix="floodmark-bench-") as folder:
        (Path(folder) / "history").mkdir()
        yield Task(
            endpoints=endpoints,
            topic=topic,
            events=events,
            payloads=payloads.lines,
            trace=payloads.trace,
            folder=Path(folder),
        )
    topics.delete([topic])


def _replicated(kafka: KafkaEndpoint, brokers: int) -> KafkaEndpoint:
    return KafkaEndpoint(bootstrap_servers=kafka.bootstrap_servers, replication_factor=min(3, brokers))
