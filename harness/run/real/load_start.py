"""The real load of a run: Locust's processes on this machine, those that join from others, and readers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from harness.artifacts import cache_dir
from harness.backends.protocol import Platform
from harness.base.clocks import Clocks
from harness.base.report import Report
from harness.base.run_clock import RunClock
from harness.load.join.gather import await_joined
from harness.load.join.options import require_no_credentials
from harness.load.plan.extent import load_duration_s
from harness.load.plan.file import PlanFile
from harness.load.readers.config import ReadersConfig
from harness.load.readers.driver import readers_argv
from harness.load.send.record_batches.trace import index_of
from harness.load.workers.computed_source import computed_events
from harness.load.workers.config import LoadConfig
from harness.load.workers.driver import load_argv
from harness.load.workers.join_config import FileFacts, JoinConfig, Joining, SharedFile
from harness.load.workers.record_batches_source import encoded, encoded_batches
from harness.load.workers.source import LoadSource, PlannedEvents
from harness.run.folder import RunFolder
from harness.run.run import LOAD, READERS, Flooded, is_alive
from harness.scenario.model import Readers, Scenario
from pipeline.contract.topics import EVENTS
from pipeline.endpoints import Endpoints

_START: Final = "start.json"
"""The load's clocks, for a master that waits for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadParts:
    """How a run's load is started: at once, or first made to wait for the workers that join."""

    clock: RunClock
    joining: Joining | None

    def gather(
        self, scenario: Scenario, folder: RunFolder, platform: Platform, plan: PlanFile | None, report: Report
    ) -> None:
        """Have every worker there that joins from elsewhere. Raises InvalidInput, WaitTimeout or RunError."""
        if self.joining is None:
            return
        require_no_credentials(Endpoints.load(folder.endpoints).kafka)
        clocks = Clocks(
            epoch_unix_ns=self.clock.epoch_unix_ns,
            epoch_monotonic_ns=self.clock.epoch_monotonic_ns,
            load_start_ns=0,
            origin_ms=0,
            time_scale=scenario.load.time_scale,
        )
        config = _config(scenario, folder, plan, clocks, report)
        report("reading what is shared with whoever joins")
        join = JoinConfig(
            joining=self.joining,
            processes=scenario.load.processes,
            files={
                name: SharedFile(path=path, facts=FileFacts.of(path))
                for name, path in config.source.shared().items()
            },
            gathered=folder.path / "joined.json",
            start=folder.path / _START,
        )
        _spawn(scenario, folder, platform, plan, config.model_copy(update={"join": join}))
        await_joined(join, alive=lambda: is_alive(platform.status(), LOAD), report=report)

    def start(self, flooded: Flooded) -> None:
        """Have the load begin when the run's clocks say so, and its readers with it."""
        scenario, folder = flooded.scenario, flooded.folder
        if self.joining is None:
            config = _config(scenario, folder, flooded.plan, flooded.info.clocks, flooded.report)
            _spawn(scenario, folder, flooded.platform, flooded.plan, config)
        else:
            flooded.info.clocks.save(folder.path / _START)
        if scenario.load.readers is not None:
            _start_readers(flooded, scenario.load.readers)


def _config(
    scenario: Scenario, folder: RunFolder, plan: PlanFile | None, clocks: Clocks, report: Report
) -> LoadConfig:
    return LoadConfig(
        endpoints=folder.endpoints,
        topic=EVENTS,
        source=_source(scenario, folder, plan, report),
        history=folder.history,
        progress=folder.load_progress,
        clocks=clocks,
        acks=scenario.load.acks,
        users=scenario.load.users,
    )


def _source(scenario: Scenario, folder: RunFolder, plan: PlanFile | None, report: Report) -> LoadSource:
    if plan is None:
        return computed_events(scenario)
    if scenario.load.path == "events":
        return PlannedEvents(plan=folder.plan, largest_event_bytes=plan.largest_event_bytes)
    trace = encoded(scenario, plan, cache=cache_dir(), report=report)
    folder.keep_encoded(index_of(trace))
    return encoded_batches(scenario, trace)


def _spawn(
    scenario: Scenario, folder: RunFolder, platform: Platform, plan: PlanFile | None, config: LoadConfig
) -> None:
    argv, env = load_argv(
        folder.path / "load.json",
        config,
        duration_s=load_duration_s(scenario.load, plan),
        processes=scenario.load.processes,
    )
    platform.spawn(LOAD, argv, env=env)


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
