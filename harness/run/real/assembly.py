"""The real parts of a run: engines, pipeline, Locust, observers. harness/run/run.py defines their order."""

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
from harness.history.run_info import RunInfo
from harness.judge.measure.measurement import Count, Distribution, Unjudged
from harness.judge.registry import CHECKS
from harness.layers.registry import deployed_layers
from harness.load.workers.join_config import Joining
from harness.load.workers.prepared_load import PreparedLoad, prepare_load
from harness.run.folder import RunFolder
from harness.run.lake.partner_files import require_events
from harness.run.provenance import Provenance
from harness.run.real.load_start import LoadParts
from harness.run.real.platform_watch import PlatformWatch
from harness.run.run import Parts, RunContext
from harness.scenario.model import Scenario
from pipeline.base.endpoints import Endpoints
from pipeline.base.errors import PipelineError
from pipeline.base.options import PipelineOptions
from pipeline.deployment import Pipeline
from pipeline.layers.protocol import ProcessFiles


def real_parts(backend: str, joining: Joining | None) -> Parts:
    """The parts of a run on this machine, whose load workers may join from others.

    Raises ``InvalidInput`` for a backend that is not known.
    """
    clock = RunClock.start()
    load = LoadParts(joining=joining)
    return Parts(
        backend=backend_of(backend),
        prepare=_prepare,
        pipeline=_deployment,
        gather=load.gather,
        start_load=load.start,
        watch=PlatformWatch.start,
        lake=_run_lake_stage,
        why_not_steady=_why_not_steady,
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


def _prepare(scenario: Scenario, report: Report) -> PreparedLoad:
    load = prepare_load(scenario, cache=cache_dir(), report=report)
    if scenario.lake is not None and load.plan is not None:
        require_events(scenario.lake, load.plan.path, scenario=scenario.name)
    return load


def _deployment(endpoints: Endpoints, options: PipelineOptions, report: Report) -> _Deployment:
    for layer in deployed_layers(options):
        endpoints = layer.equip(endpoints, report)
    return _Deployment(Pipeline(endpoints, options), endpoints)


def _run_lake_stage(context: RunContext, info: RunInfo) -> None:
    if context.scenario.lake is not None:
        # Imported here because it brings the lake's clients, which no other run needs.
        from harness.run.lake.run_stage import run_lake_stage  # noqa: PLC0415

        run_lake_stage(context, info)


def _why_not_steady(run_dir: Path) -> str:
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
