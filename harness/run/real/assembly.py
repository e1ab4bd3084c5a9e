"""The real parts of a run: engines, pipeline, Locust, observers. Their order stands in harness/run/run.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.artifacts import cache_dir
from harness.backends.registry import backend_of
from harness.base.errors import DeployError
from harness.base.report import Report
from harness.base.run_clock import RunClock
from harness.history.reader import History
from harness.judge.measure.measurement import Count, Distribution, Unjudged
from harness.judge.registry import CHECKS
from harness.layers.registry import deployed_layers
from harness.load.plan.cached import build_plan
from harness.load.plan.event_size import require_sendable
from harness.load.plan.file import PlanFile
from harness.load.workers.computed_source import computed_events
from harness.load.workers.join_config import Joining
from harness.load.workers.record_batches_source import encode_ahead
from harness.run.folder import RunFolder
from harness.run.lake.validate_drops import require_events
from harness.run.provenance import Provenance
from harness.run.real.load_start import LoadParts
from harness.run.real.platform_watch import PlatformWatch
from harness.run.run import Flooded, Parts
from harness.scenario.model import Scenario
from pipeline.deployment import Pipeline
from pipeline.endpoints import Endpoints
from pipeline.errors import PipelineError
from pipeline.layers.protocol import ProcessFiles
from pipeline.options import PipelineOptions


def real_parts(backend: str, joining: Joining | None) -> Parts:
    """The parts of a run on this machine, whose load some may join from others.

    Raises ``InvalidInput`` for a backend that is not known.
    """
    clock = RunClock.start()
    load = LoadParts(clock=clock, joining=joining)
    return Parts(
        backend=backend_of(backend),
        plan=_plan,
        pipeline=_deployment,
        gather=load.gather,
        start_load=load.start,
        watch=PlatformWatch.start,
        lake=_run_lake_stage,
        unsteady=_unsteady,
        provenance=Provenance.here(),
        clock=clock,
    )


@dataclass(frozen=True, slots=True)
class _Deployment:
    """The pipeline, as a run knows it."""

    pipeline: Pipeline
    endpoints: Endpoints

    def deploy(self) -> None:
        try:
            self.pipeline.deploy()
        except PipelineError as error:
            raise DeployError(f"the pipeline could not be deployed: {error}") from error

    def processes(self, folder: RunFolder) -> Sequence[tuple[str, Sequence[str]]]:
        files = ProcessFiles(
            endpoints=folder.endpoints, options=folder.pipeline_options, metrics=folder.history
        )
        return [(process.name, process.command(files)) for process in self.pipeline.processes()]


def _plan(scenario: Scenario, report: Report) -> PlanFile | None:
    if scenario.load.path == "computed":
        computed_events(scenario)  # What is wrong with its trace is told before anything starts.
        return None
    plan = build_plan(scenario, cache=cache_dir(), report=report)
    if scenario.load.path == "record_batches":
        # Into the cache, before anything starts.
        encode_ahead(scenario, plan, cache=cache_dir(), report=report)
    else:
        require_sendable(scenario, plan)
    if scenario.lake is not None:
        require_events(scenario.lake, plan.path, scenario=scenario.name)
    return plan


def _deployment(endpoints: Endpoints, options: PipelineOptions, report: Report) -> _Deployment:
    for layer in deployed_layers(options):
        endpoints = layer.equip(endpoints, report)
    return _Deployment(Pipeline(endpoints, options), endpoints)


def _run_lake_stage(flooded: Flooded) -> None:
    if flooded.scenario.lake is not None:
        # It brings the clients of the lake with it, which no other run needs.
        from harness.run.lake.carry_out import carry_out_stage  # noqa: PLC0415

        carry_out_stage(flooded)


def _unsteady(run_dir: Path) -> str:
    steady = CHECKS["steady_state"].measure(History.open(run_dir))
    match steady:
        case Count(value=0):
            return ""
        case Count():
            return "; ".join(steady.examples)
        case Unjudged():
            return steady.reason
        case Distribution():
            raise AssertionError("the steady state is a count")
