"""The one place where the order of a run can be read: plan, platform, pipeline, flood, drain, read back.

What a run is made of is given (``Parts``), so that its order is tested without an engine. Judging is not part
of it: harness/judge/judge.py reads what a run left behind, now or later.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from harness.backends.preparation import Preparation
from harness.backends.protocol import Backend, NodeStatus, Platform
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
from harness.load.plan.extent import event_span_ms, load_duration_s
from harness.load.plan.file import PlanFile
from harness.load.workers.driver import LOAD_LEAD_S, longest_s
from harness.run.conduct import Conduct
from harness.run.exit_watch import EndWatch
from harness.run.folder import RunFolder
from harness.run.load_log import last_words
from harness.run.provenance import Provenance
from harness.run.recorder import Recorder
from harness.run.teardown import Teardown
from harness.scenario.model import Scenario
from pipeline.endpoints import Endpoints
from pipeline.options import PipelineOptions

_NS_PER_S: Final = 1_000_000_000
_NS_PER_MS: Final = 1_000_000
LOAD: Final = "load"
"""The name of the load's process among the nodes."""
READERS: Final = "readers"
"""That of the process of its readers, where the scenario has some."""
_GRACE_S: Final = 15.0
"""A load that takes too long or fails ends by itself and records what it knows; else it is ended."""
_READERS_S: Final = 60.0
"""Readers end by themselves with the load; those that live so long after it are ended."""
_END_TICK_S: Final = 0.5
_STEP_WAIT_S: Final = 10.0
"""How long steps of faults are waited for when the run has failed or was interrupted."""


class Deployment(Protocol):
    """The pipeline under test, as far as a run knows it."""

    @property
    def endpoints(self) -> Endpoints:
        """The platform's, with what the pipeline's processes need to be told besides."""
        ...

    def deploy(self) -> object:
        """Topics, tables and jobs. Raises what the pipeline raises."""
        ...

    def processes(self, folder: RunFolder) -> Sequence[tuple[str, Sequence[str]]]:
        """Names and commands of the pipeline's processes, which whoever runs the platform starts."""
        ...


class Watch(Protocol):
    """What observes the platform from outside, from before its load starts."""

    def drain(self) -> None:
        """Wait until everything that was sent has come out, and record what did not in time."""
        ...

    def stop(self) -> None:
        """Take the last samples and write what waits. Idempotent."""
        ...

    def read_back(self) -> None:
        """Record what the topics and the stores hold now."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Flooded:
    """A platform with the pipeline on it, its load about to start, and where its run is recorded."""

    scenario: Scenario
    folder: RunFolder
    platform: Platform
    plan: PlanFile | None
    """None where the load computes its events as it sends them."""
    info: RunInfo
    clock: RunClock
    report: Report

    @property
    def load_duration_s(self) -> float:
        """Wall-clock time from the load's first event to its last."""
        return load_duration_s(self.scenario.load, self.plan)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a run is made of. harness/run/real/assembly.py has the real ones."""

    backend: Backend
    plan: Callable[[Scenario, Report], PlanFile | None]
    pipeline: Callable[[Endpoints, PipelineOptions, Report], Deployment]
    gather: Callable[[Scenario, RunFolder, Platform, PlanFile | None, Report], None]
    """Has every worker of the load there that needs more than ``LOAD_LEAD_S`` to come."""
    start_load: Callable[[Flooded], None]
    watch: Callable[[Flooded], Watch]
    lake: Callable[[Flooded], None]
    """Carries the scenario's lake stage out."""
    unsteady: Callable[[Path], str]
    """Why the run in this folder is not steady; "" when it is."""
    provenance: Provenance
    clock: RunClock
    sleep: Callable[[float], None] = time.sleep


def run(scenario: Scenario, parts: Parts, *, folder: RunFolder, command: str, report: Report) -> None:
    """Carry a scenario out and leave its history in ``folder``.

    Whatever goes wrong, an interrupt included, heals, stops everything, leaves what was recorded to be
    judged, and is then raised. A load that fails is raised once what it had sent was drained and read back.
    """
    with Teardown(report) as teardown:
        # Registered first and so done last, when no process is left that appends to the history.
        teardown.on_exit("seal the history", lambda: seal_history(folder.path))
        plan = parts.plan(scenario, report)
        if plan is not None:
            folder.keep_plan(plan.path)
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
        parts.gather(scenario, folder, platform, plan, report)
        flooded = Flooded(
            scenario=scenario,
            folder=folder,
            platform=platform,
            plan=plan,
            info=_info(scenario, parts, folder=folder, command=command, plan=plan, ready_s=ready_s),
            clock=parts.clock,
            report=report,
        )
        _record(parts, flooded, teardown)


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
        platform.spawn(name, argv, env=preparation.env.get(name, {}))
    report("pipeline deployed")


def _record(parts: Parts, flooded: Flooded, teardown: Teardown) -> None:
    """Everything that goes into the history, with how it ended, whatever that was."""
    flooded.info.save(flooded.folder.history)
    ended, failure = "failed", ""
    try:
        recorder = Recorder(history=flooded.folder.history, clock=parts.clock)
        watch = parts.watch(flooded)
        teardown.on_exit("stop watching", watch.stop)
        ends = EndWatch(status=flooded.platform.status, recorder=recorder, report=flooded.report)
        failure = _flood(parts, flooded, recorder, ends, teardown)
        recorder.enter("drain")
        watch.drain()
        # Days of which events were never sent are not those that were planned.
        if flooded.scenario.lake is not None and not failure:
            recorder.enter("lake")
            parts.lake(flooded)
        ends.look()
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
        flooded.info.model_copy(update={"ended": ended}).save(flooded.folder.history)
    if failure:
        raise LoadFailed(failure)


def _flood(parts: Parts, flooded: Flooded, recorder: Recorder, ends: EndWatch, teardown: Teardown) -> str:
    """Send the load and carry the faults out, until everything is sent and known, and everything healed.

    Returns why the load failed, once it and its readers have ended; "" when it did not.
    """
    conductor = Conductor(platform=flooded.platform, record=recorder.fault, report=flooded.report)
    teardown.on_exit("heal", lambda: conductor.heal_all(wait_s=_STEP_WAIT_S))
    parts.start_load(flooded)
    conduct = Conduct(
        conductor=conductor,
        recorder=recorder,
        warm_up_s=flooded.scenario.warm_up,
        since_load_start_s=lambda: (parts.clock.now_ns() - flooded.info.load_start_ns) / _NS_PER_S,
        progress=lambda: LoadProgress.load(flooded.folder.load_progress),
        load_alive=lambda: is_alive(ends.look(), LOAD),
        give_up_after_s=longest_s(flooded.load_duration_s) + _GRACE_S,
        unsteady=lambda: parts.unsteady(flooded.folder.path),
        report=flooded.report,
        last_words=lambda: last_words(flooded.folder.logs / f"{LOAD}.log"),
        sleep=parts.sleep,
    )
    try:
        conduct.follow(schedule(flooded.scenario.faults, flooded.scenario.topology, FAULTS))
        conductor.heal_all()
        if not _has_ended(READERS, parts, flooded, ends, within_s=_READERS_S):
            raise LoadFailed(f"the readers live {_READERS_S:.0f} s after the load; their log may say why")
    except LoadFailed as error:
        flooded.report(f"{error}; what was acknowledged is read back all the same")
        conductor.heal_all()
        _end_load(parts, flooded, ends)
        return str(error)
    return ""


def _end_load(parts: Parts, flooded: Flooded, ends: EndWatch) -> None:
    """Have a load that failed, and its readers, ended before anything is read back.

    What is acknowledged after the read-back would look lost. Raises ``RunError`` when one of them lives on.
    """
    for name, within_s in ((LOAD, _GRACE_S), (READERS, 0.0)):
        if _has_ended(name, parts, flooded, ends, within_s=within_s):
            continue
        try:
            flooded.platform.signal(name, "kill")
        except PlatformError as error:
            flooded.report(f"{name}: {error}")
        if not _has_ended(name, parts, flooded, ends, within_s=_GRACE_S):
            raise RunError(f"{name} lives on after it failed, so that nothing can be read back for good")


def _has_ended(name: str, parts: Parts, flooded: Flooded, ends: EndWatch, *, within_s: float) -> bool:
    """Whether a process and its children end within so long by themselves; one that was never there has."""
    give_up_ns = parts.clock.now_ns() + round(within_s * _NS_PER_S)
    while any(s.name == name for s in ends.look()) and flooded.platform.process_state(name) != "ended":
        if parts.clock.now_ns() > give_up_ns:
            return False
        parts.sleep(_END_TICK_S)
    return True


def is_alive(statuses: Sequence[NodeStatus], name: str) -> bool:
    """Whether the process of this name has not ended."""
    return any(s.name == name and s.state not in ("dead", "stopped") for s in statuses)


def _info(
    scenario: Scenario,
    parts: Parts,
    *,
    folder: RunFolder,
    command: str,
    plan: PlanFile | None,
    ready_s: float,
) -> RunInfo:
    load_start_ns = parts.clock.now_ns() + round(LOAD_LEAD_S * _NS_PER_S)
    start_unix_ms = (parts.clock.epoch_unix_ns + load_start_ns) // _NS_PER_MS
    nodes = Counter(node.service for node in scenario.topology.nodes())
    services = ", ".join(f"{name} {nodes[name]}" for name in scenario.topology.services)
    return RunInfo(
        run_id=folder.run_id,
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
            span_ms=event_span_ms(scenario.load, plan),
            start_unix_ms=start_unix_ms,
            whole_days=scenario.lake is not None,
        ),
        time_scale=scenario.load.time_scale,
        topology_summary=f"{parts.backend.name} backend, {services}",
        machine=dict(parts.provenance.machine),
        versions=dict(parts.provenance.versions),
        ended="no",
        platform_ready_s=ready_s,
        trace_events=None if plan is None else plan.trace_events,
    )
