"""The order of a run: prepare the load, start the platform, deploy, flood, drain, read back.

A run gets its parts as ``Parts``, so that its order is tested without an engine. Judging is not part of it:
harness/judge/judge.py reads what a run left behind, now or later.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from harness.backends.protocol import Backend, Platform, Preparation
from harness.backends.targets import AllTargets
from harness.base.errors import LoadFailed, PlatformError, RunError
from harness.base.event_clock import origin_for
from harness.base.report import Report
from harness.base.run_clock import RunClock
from harness.faults.conductor import Conductor
from harness.faults.registry import FAULTS
from harness.faults.schedule import prepared, schedule
from harness.history.progress import LoadProgress
from harness.history.run_info import LOAD_FAILED, RunInfo
from harness.history.seal import seal_history
from harness.load.send.record_batches.trace import index_of
from harness.load.workers.driver import LOAD_LEAD_S, longest_s
from harness.load.workers.prepared_load import PreparedLoad
from harness.load.workers.source import RecordBatchesSource
from harness.processes.protocol import ProcessStatus
from harness.run.conduct import Conduct
from harness.run.folder import RunFolder
from harness.run.load_log import last_words
from harness.run.provenance import Provenance
from harness.run.recorder import ExitWatch, Recorder
from harness.run.teardown import Teardown
from harness.scenario.model import Scenario
from pipeline.base.endpoints import Endpoints
from pipeline.base.options import PipelineOptions

_NS_PER_S: Final = 1_000_000_000
_NS_PER_MS: Final = 1_000_000
LOAD: Final = "load"
"""The name of the load's process among the nodes."""
READERS: Final = "readers"
"""The name of the readers' process, where the scenario has readers."""
_GRACE_S: Final = 15.0
"""A load that takes too long or fails gets this long to end by itself and record what it knows."""
_READERS_S: Final = 60.0
"""Readers end by themselves with the load; after this long they are ended."""
_END_TICK_S: Final = 0.5
_STEP_WAIT_S: Final = 10.0
"""How long to wait for steps of faults when the run has failed or was interrupted."""


class Deployment(Protocol):
    """The pipeline under test, as far as a run knows it."""

    @property
    def endpoints(self) -> Endpoints:
        """The platform's, with what the pipeline's processes need besides."""
        ...

    def deploy(self) -> object:
        """Topics, tables and jobs. Raises what the pipeline raises."""
        ...

    def processes(self, folder: RunFolder) -> Sequence[tuple[str, Sequence[str]]]:
        """Names and commands of the pipeline's processes, which the run starts."""
        ...


class Watch(Protocol):
    """Observes the platform from outside, from before its load starts."""

    def drain(self) -> None:
        """Wait until everything sent has come out, and record what has not in time."""
        ...

    def stop(self) -> None:
        """Take the last samples and write everything. Idempotent."""
        ...

    def read_back(self) -> None:
        """Record what the topics and the stores hold now."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """A platform with the pipeline deployed, its load, and the recorder of the run."""

    scenario: Scenario
    folder: RunFolder
    platform: Platform
    load: PreparedLoad
    clock: RunClock
    report: Report

    @property
    def everything(self) -> AllTargets:
        """The nodes and the processes beside them."""
        return AllTargets(self.platform)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The parts of a run. harness/run/real/assembly.py has the real ones."""

    backend: Backend
    prepare: Callable[[Scenario, Report], PreparedLoad]
    pipeline: Callable[[Endpoints, PipelineOptions, Report], Deployment]
    gather: Callable[[RunContext], None]
    """Waits for the workers of the load that need more than ``LOAD_LEAD_S`` to come."""
    start_load: Callable[[RunContext, RunInfo], None]
    watch: Callable[[RunContext, RunInfo], Watch]
    lake: Callable[[RunContext, RunInfo], None]
    """Runs the scenario's lake stage."""
    why_not_steady: Callable[[Path], str]
    """Why the run in this folder is not steady; "" when it is."""
    provenance: Provenance
    clock: RunClock
    sleep: Callable[[float], None] = time.sleep


def run(scenario: Scenario, parts: Parts, *, folder: RunFolder, command: str, report: Report) -> None:
    """Run a scenario and leave its history in ``folder``.

    Whatever goes wrong, including an interrupt, everything is healed and stopped, what was recorded is left
    to be judged, and the error is raised. A load's failure is raised once what it had sent was drained and
    read back.
    """
    with Teardown(report) as teardown:
        # Registered first and so run last, when no process is left that appends to the history.
        teardown.on_exit("seal the history", lambda: seal_history(folder.path))
        load = parts.prepare(scenario, report)
        _keep(load, folder)
        began_ns = parts.clock.now_ns()
        preparation = prepared(scenario.faults, scenario.topology, FAULTS)
        platform = parts.backend.up(
            scenario.topology,
            data_dir=folder.path / "data",
            log_dir=folder.logs,
            report=report,
            preparation=preparation,
        )
        teardown.on_exit("stop the platform", platform.down)
        ready_s = (parts.clock.now_ns() - began_ns) / _NS_PER_S
        report(f"platform ready after {ready_s:.1f} s")
        _deploy(scenario, parts, folder, platform, report, preparation=preparation)
        context = RunContext(
            scenario=scenario, folder=folder, platform=platform, load=load, clock=parts.clock, report=report
        )
        parts.gather(context)
        _record(parts, context, _info(parts, context, command=command, ready_s=ready_s), teardown)


def _keep(load: PreparedLoad, folder: RunFolder) -> None:
    """Make the plan and the index of an encoded trace part of the history."""
    if load.plan is not None:
        folder.keep_plan(load.plan.path)
    if isinstance(load.source, RecordBatchesSource):
        folder.keep_encoded(index_of(load.source.trace))


def _deploy(
    scenario: Scenario,
    parts: Parts,
    folder: RunFolder,
    platform: Platform,
    report: Report,
    *,
    preparation: Preparation,
) -> None:
    pipeline = parts.pipeline(platform.endpoints, scenario.pipeline, report)
    pipeline.endpoints.save(folder.endpoints)
    scenario.pipeline.save(folder.pipeline_options)
    report("deploying the pipeline")
    pipeline.deploy()
    for name, argv in pipeline.processes(folder):
        platform.processes.spawn(name, argv, env=preparation.env.get(name, {}))
    report("pipeline deployed")


def _record(parts: Parts, context: RunContext, info: RunInfo, teardown: Teardown) -> None:
    """Do everything that goes into the history, and always record how it ended."""
    info.save(context.folder.history)
    ended, failure = "failed", ""
    try:
        recorder = Recorder(history=context.folder.history, clock=parts.clock)
        watch = parts.watch(context, info)
        teardown.on_exit("stop watching", watch.stop)
        ends = ExitWatch(status=context.everything.status, recorder=recorder, report=context.report)
        failure = _flood(parts, context, info, ends, teardown)
        recorder.enter("drain")
        watch.drain()
        # Days that lack events because they were never sent are not the planned days.
        if context.scenario.lake is not None and not failure:
            recorder.enter("lake")
            parts.lake(context, info)
        ends.poll()
        watch.stop()
        watch.read_back()
        recorder.enter("done")
        ended = f"{LOAD_FAILED}{failure}" if failure else "complete"
    except KeyboardInterrupt:
        ended = "interrupted"
        raise
    except Exception as error:
        ended = f"failed: {error}"
        raise
    finally:
        info.model_copy(update={"ended": ended}).save(context.folder.history)
    if failure:
        raise LoadFailed(failure)


def _flood(parts: Parts, context: RunContext, info: RunInfo, ends: ExitWatch, teardown: Teardown) -> str:
    """Send the load and inject the faults, until every outcome is known and every fault is healed.

    Returns why the load failed, once it and its readers have ended; "" when it did not.
    """
    recorder = ends.recorder
    conductor = Conductor(platform=context.everything, record=recorder.fault, report=context.report)
    teardown.on_exit("heal", lambda: conductor.heal_all(wait_s=_STEP_WAIT_S))
    parts.start_load(context, info)
    conduct = Conduct(
        conductor=conductor,
        recorder=recorder,
        warm_up_s=context.scenario.warm_up,
        since_load_start_s=lambda: (parts.clock.now_ns() - info.load_start_ns) / _NS_PER_S,
        progress=lambda: LoadProgress.load(context.folder.load_progress),
        load_alive=lambda: is_alive(ends.poll(), LOAD),
        give_up_after_s=longest_s(context.load.duration_s) + _GRACE_S,
        why_not_steady=lambda: parts.why_not_steady(context.folder.path),
        report=context.report,
        last_words=lambda: last_words(context.folder.logs / f"{LOAD}.log"),
        sleep=parts.sleep,
    )
    try:
        conduct.follow(schedule(context.scenario.faults, context.scenario.topology, FAULTS))
        conductor.heal_all()
        if not _has_ended(READERS, parts, context, ends, within_s=_READERS_S):
            raise LoadFailed(f"the readers live {_READERS_S:.0f} s after the load; their log may say why")
    except LoadFailed as error:
        context.report(f"{error}; what was acknowledged is read back all the same")
        conductor.heal_all()
        _end_load(parts, context, ends)
        return str(error)
    return ""


def _end_load(parts: Parts, context: RunContext, ends: ExitWatch) -> None:
    """End a load that failed, and its readers, before anything is read back.

    Events that are acknowledged after the read-back would look lost. Raises ``RunError`` when one cannot be
    ended.
    """
    for name, within_s in ((LOAD, _GRACE_S), (READERS, 0.0)):
        if _has_ended(name, parts, context, ends, within_s=within_s):
            continue
        try:
            context.platform.processes.signal(name, "kill")
        except PlatformError as error:
            context.report(f"{name}: {error}")
        if not _has_ended(name, parts, context, ends, within_s=_GRACE_S):
            raise RunError(f"{name} is still running after it failed, so nothing can be read back reliably")


def _has_ended(name: str, parts: Parts, context: RunContext, ends: ExitWatch, *, within_s: float) -> bool:
    """Whether a process and its children end by themselves within this time, or never began."""
    give_up_ns = parts.clock.now_ns() + round(within_s * _NS_PER_S)
    processes = context.platform.processes
    while any(s.name == name for s in ends.poll()) and processes.process_state(name) != "ended":
        if parts.clock.now_ns() > give_up_ns:
            return False
        parts.sleep(_END_TICK_S)
    return True


def is_alive(statuses: Sequence[ProcessStatus], name: str) -> bool:
    """Whether the process of this name has not ended."""
    return any(s.name == name and s.state not in ("dead", "stopped") for s in statuses)


def _info(parts: Parts, context: RunContext, *, command: str, ready_s: float) -> RunInfo:
    scenario, load = context.scenario, context.load
    load_start_ns = parts.clock.now_ns() + round(LOAD_LEAD_S * _NS_PER_S)
    start_unix_ms = (parts.clock.epoch_unix_ns + load_start_ns) // _NS_PER_MS
    nodes = Counter(node.service for node in scenario.topology.nodes())
    services = ", ".join(f"{name} {nodes[name]}" for name in scenario.topology.services)
    return RunInfo(
        run_id=context.folder.run_id,
        scenario=scenario.name,
        seed=scenario.seed,
        commit=parts.provenance.commit,
        started_at=parts.clock.epoch_utc().isoformat(timespec="seconds"),
        command=command,
        backend=parts.backend.name,
        epoch_unix_ns=parts.clock.epoch_unix_ns,
        epoch_monotonic_ns=parts.clock.epoch_monotonic_ns,
        load_start_ns=load_start_ns,
        origin_ms=origin_for(
            span_ms=load.span_ms,
            start_unix_ms=start_unix_ms,
            whole_days=scenario.lake is not None,
        ),
        time_scale=scenario.load.time_scale,
        topology_summary=f"{parts.backend.name} backend, {services}",
        machine=dict(parts.provenance.machine),
        versions=dict(parts.provenance.versions),
        ended="no",
        platform_ready_s=ready_s,
        trace_events=None if load.plan is None else load.plan.trace_events,
    )
