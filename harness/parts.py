"""The real parts of a run: engines, pipeline, Locust, observers. Their order stands in harness/run.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.artifacts import cache_dir, ensure
from harness.artifacts.java import find_java
from harness.backends import BACKENDS
from harness.backends.protocol import Report
from harness.checks import CHECKS
from harness.checks.measurement import Count, Distribution, Unjudged
from harness.errors import DeployError, InvalidInput, Problem
from harness.history.reader import History
from harness.load.driver import load_argv
from harness.load.event_size import require_sendable
from harness.load.plan import PlanFile, build_plan
from harness.load.replay_config import ReplayConfig, WireSource
from harness.load.users.config import ReadersConfig
from harness.load.users.driver import readers_argv
from harness.load.wire.trace import index_of
from harness.load.wire_load import encode_ahead, encoded, wire_source
from harness.observe.watch import PlatformWatch
from harness.provenance import Provenance
from harness.run import LOAD, READERS, Flooded, Parts
from harness.run_clock import RunClock
from harness.run_folder import RunFolder
from harness.scenario.model import Readers, Scenario
from pipeline.contract.topics import EVENTS
from pipeline.deployment import Pipeline
from pipeline.endpoints import Endpoints
from pipeline.errors import PipelineError
from pipeline.options import PipelineOptions
from pipeline.stream.build import build_jar


def real_parts(backend: str) -> Parts:
    """The parts of a run on this machine. Raises ``InvalidInput`` for a backend that is not known."""
    if backend not in BACKENDS:
        raise InvalidInput([Problem(where="--backend", found=backend, allowed=", ".join(BACKENDS))])
    return Parts(
        backend=BACKENDS[backend](),
        plan=_plan,
        pipeline=_deployment,
        start_load=_start_load,
        watch=PlatformWatch.start,
        unsteady=_unsteady,
        provenance=Provenance.here(),
        clock=RunClock.start(),
    )


@dataclass(frozen=True, slots=True)
class _Deployment:
    """The pipeline, as a run knows it."""

    pipeline: Pipeline

    def deploy(self) -> None:
        try:
            self.pipeline.deploy()
        except PipelineError as error:
            raise DeployError(f"the pipeline could not be deployed: {error}") from error

    def writers(self, folder: RunFolder) -> Sequence[tuple[str, Sequence[str]]]:
        return self.pipeline.writers(
            endpoints_file=folder.endpoints,
            options_file=folder.pipeline_options,
            metrics_folder=folder.history,
        )


def _plan(scenario: Scenario, report: Report) -> PlanFile:
    plan = build_plan(scenario, cache=cache_dir(), report=report)
    if scenario.load.path == "replay":
        # Into the cache, before anything starts.
        encode_ahead(scenario, plan, cache=cache_dir(), report=report)
    else:
        require_sendable(scenario, plan)
    return plan


def _deployment(endpoints: Endpoints, options: PipelineOptions, report: Report) -> _Deployment:
    if options.deploy == "topics":
        return _Deployment(Pipeline(endpoints, options))
    homes = ensure(["flink", "ecj"], report=report)
    try:
        jar = build_jar(
            ecj=next(homes.home("ecj").glob("lib/*.jar")),
            class_path=sorted(homes.home("flink").glob("lib/*.jar")),
            cache=cache_dir() / "built",
            java=find_java().executable,
        )
        with_jar = endpoints.replacing(replace(endpoints.flink, job_jar=str(jar)))
        return _Deployment(Pipeline(with_jar, options))
    except PipelineError as error:
        raise DeployError(str(error)) from error


def _start_load(flooded: Flooded) -> None:
    folder, scenario = flooded.folder, flooded.scenario
    config = ReplayConfig(
        endpoints=folder.endpoints,
        topic=EVENTS,
        plan=folder.plan,
        largest_event_bytes=flooded.plan.largest_event_bytes,
        history=folder.history,
        progress=folder.load_progress,
        clocks=flooded.info.clocks,
        acks=scenario.load.acks,
        users=scenario.load.users,
        wire=_wire_source(flooded) if scenario.load.path == "replay" else None,
    )
    argv, env = load_argv(
        folder.path / "replay.json",
        config,
        duration_s=flooded.load_duration_s,
        processes=scenario.load.processes,
    )
    flooded.platform.spawn(LOAD, argv, env=env)
    if scenario.load.readers is not None:
        _start_readers(flooded, scenario.load.readers)


def _start_readers(flooded: Flooded, readers: Readers) -> None:
    folder = flooded.folder
    config = ReadersConfig(
        endpoints=folder.endpoints,
        plan=folder.plan,
        history=folder.history,
        clocks=flooded.info.clocks,
        duration_s=flooded.load_duration_s,
        seed=flooded.scenario.seed,
        rate_per_s=readers.rate,
        weights=readers.weights,
        in_flight=readers.in_flight,
    )
    argv, env = readers_argv(folder.path / "readers.json", config)
    flooded.platform.spawn(READERS, argv, env=env)


def _wire_source(flooded: Flooded) -> WireSource:
    trace = encoded(flooded.scenario, flooded.plan, cache=cache_dir(), report=flooded.report)
    flooded.folder.keep_encoded(index_of(trace))
    return wire_source(flooded.scenario, trace)


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
