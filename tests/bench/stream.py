"""The rate of the Flink job by stage: what each step of the stream path takes on this machine."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from harness.artifacts import cache_dir
from harness.backends.process.backend import ProcessBackend
from harness.backends.protocol import Platform
from harness.base.report import Report
from harness.base.units import size_bytes
from harness.load.plan.cached import build_plan
from harness.run.teardown import Teardown
from harness.scenario.topology import RoleSpec, Topology
from harness.validate.scenario_file import load_scenario
from pipeline.base.endpoints import Endpoints
from pipeline.base.kafka import Topics
from pipeline.base.options import TopicOptions
from pipeline.contract.derive import event_contract
from pipeline.contract.topics import EVENTS, TOPICS
from pipeline.stream.render import job_definition
from tests.bench.bounded_job import run_to_end
from tests.bench.filling import fill
from tests.bench.processor_time import ProcessorMeter
from tests.bench.protocol import Settings
from tests.bench.results import save
from tests.bench.stream_results import StageResult, StreamResults
from tests.bench.stream_stages import Stage, stages
from tests.engines.pipeline_parts import jar

_SCENARIO: Final = Path("scenarios/quickstart.yaml")
"""Whose events and options are measured with."""
_EVENTS: Final = 1_500_000
_BROKER, _TASKMANAGER = "kafka-broker-1", "flink-taskmanager-1"
_TOPOLOGY: Final = Topology(
    name="bench",
    zones=("a",),
    services={
        "kafka": {"broker": RoleSpec(count=1, memory=size_bytes("512MiB"))},
        "flink": {
            "jobmanager": RoleSpec(count=1, memory=size_bytes("320MiB")),
            "taskmanager": RoleSpec(count=1, memory=size_bytes("768MiB")),
            "gateway": RoleSpec(count=1, memory=size_bytes("320MiB")),
        },
    },
    # As under a load that lasts.
    jit="c2",
)
# Many repetitions of a plan reach further back than a topic keeps its records in production.
_TOPIC_OPTIONS: Final = TopicOptions(partitions=6, retention_s=10 * 365 * 86_400, min_insync_replicas=1)
_OUTPUTS: Final = tuple(topic for topic in TOPICS if topic != EVENTS)
_NOTES: Final = (
    "CPU s are those of a whole process from before its job is submitted until it has ended, for a million"
    " events; `added` is of both processes, against the stage before.",
    "Before the first stage the last one's job ran once on the same events, so that no stage pays for what"
    " starts cold. Every job still loads and compiles classes of its own: more events make that less.",
    "A run lasts from when the source runs until the job has finished, its last checkpoint included.",
)


@dataclass(frozen=True, slots=True)
class StreamBench:
    """Bounded jobs over one filled topic, each doing a step more than the one before it."""

    name: str = "stream"
    summary: str = "the Flink job's rate and processor time, stage by stage"

    def run(self, settings: Settings) -> None:
        """Start a platform, fill its topic, run every stage, and say which takes most."""
        report, events = settings.report, settings.events or _EVENTS
        scenario = load_scenario(_SCENARIO)
        plan = build_plan(scenario, cache=cache_dir(), report=report)
        with _platform(settings.out / f"{self.name}-logs", report) as platform:
            endpoints = _with_jar(platform.endpoints)
            kafka = endpoints.kafka
            topics = Topics(kafka)
            topics.create(TOPICS, _TOPIC_OPTIONS)
            fill(kafka, EVENTS, plan, events=events, report=report)
            product = job_definition(endpoints, scenario.pipeline.stream, event_contract(), bounded=True)
            measuring = _Measuring(
                endpoints=endpoints,
                topics=topics,
                meter=ProcessorMeter.of(platform, (_TASKMANAGER, _BROKER)),
                events=events,
                report=report,
            )
            in_order = stages(product, kafka)
            measuring.measure(replace(in_order[-1], name="warm-up", adds="the last stage's job, not counted"))
            results = StreamResults(tuple(measuring.measure(stage) for stage in in_order))
        self._conclude(settings, results, events)

    def _conclude(self, settings: Settings, results: StreamResults, events: int) -> None:
        slowest, added = results.slowest()
        file = settings.out / f"{self.name}.json"
        save(
            file,
            {
                "bench": self.name,
                "backend": ProcessBackend.name,
                "topology": _TOPOLOGY.model_dump(mode="json"),
                "events": events,
                "notes": _NOTES,
                "slowest": slowest.name,
                "stages": results.as_json(),
            },
            engines=_TOPOLOGY.services,
        )
        results.show(f"The stream job by stage: {events:,} events, CPU s a million (measured)")
        for note in _NOTES:
            settings.report(note)
        settings.report(f"slowest stage: {slowest.name}, which adds {added:.1f} CPU s a million events")
        settings.report(f"results in {file}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measuring:
    """A platform whose source topic is filled, and what measures it."""

    endpoints: Endpoints
    topics: Topics
    meter: ProcessorMeter
    events: int
    report: Report

    def measure(self, stage: Stage) -> StageResult:
        """Run one stage's job over the whole topic."""
        # Each run finds the topics that it may write to as the first one did: empty.
        self.topics.delete(_OUTPUTS)
        self.topics.create(_OUTPUTS, _TOPIC_OPTIONS)
        self.meter.wait_until_quiet()
        self.report(f"{stage.name}: {stage.adds}")
        before = self.meter.used_s()
        run = run_to_end(self.endpoints.flink, stage.job, self.report)
        after = self.meter.used_s()
        result = StageResult(
            name=stage.name,
            adds=stage.adds,
            events=self.events,
            run_s=run.run_s,
            taskmanager_cpu_s=after[_TASKMANAGER] - before[_TASKMANAGER],
            broker_cpu_s=after[_BROKER] - before[_BROKER],
            tasks=run.tasks,
        )
        self.report(
            f"{stage.name}: {result.events_per_s:,.0f} events/s, CPU s a million:"
            f" TaskManager {result.taskmanager_per_million:.1f}, broker {result.broker_per_million:.1f}"
        )
        return result


@contextmanager
def _platform(logs: Path, report: Report) -> Iterator[Platform]:
    """The platform, its data in a folder that goes with it. The logs of the last time stay."""
    shutil.rmtree(logs, ignore_errors=True)
    report(f"the engines' logs go to {logs}")
    with tempfile.TemporaryDirectory(prefix="floodmark-bench-") as folder, Teardown(report) as teardown:
        platform = ProcessBackend().up(_TOPOLOGY, data_dir=Path(folder), log_dir=logs, report=report)
        teardown.on_exit("stop the platform", platform.down)
        yield platform


def _with_jar(endpoints: Endpoints) -> Endpoints:
    return endpoints.replacing(replace(endpoints.flink, job_jar=str(jar())))
