"""The real load of a run: Locust's processes on this machine, those that join from others, and readers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from harness.base.clocks import Clocks
from harness.history.run_info import RunInfo
from harness.load.join.command import require_no_credentials
from harness.load.join.gather import await_joined
from harness.load.readers.process import ReadersConfig, readers_argv
from harness.load.workers.config import LoadConfig
from harness.load.workers.driver import load_argv
from harness.load.workers.join_config import FileFacts, JoinConfig, Joining, SharedFile
from harness.load.workers.source import EventsSource, LoadSource
from harness.run.run import LOAD, READERS, RunContext, is_alive
from harness.scenario.model import Readers
from pipeline.base.endpoints import Endpoints
from pipeline.contract.topics import EVENTS

_START: Final = "start.json"
"""The load's clocks, for a master that waits for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadParts:
    """Starts a run's load: at once, or early, to wait for the workers that join it."""

    joining: Joining | None

    def gather(self, context: RunContext) -> None:
        """Wait for every worker that joins from elsewhere. Raises InvalidInput, WaitTimeout or RunError."""
        if self.joining is None:
            return
        folder, report = context.folder, context.report
        require_no_credentials(Endpoints.load(folder.endpoints).kafka)
        clocks = Clocks(
            epoch_unix_ns=context.clock.epoch_unix_ns,
            epoch_monotonic_ns=context.clock.epoch_monotonic_ns,
            load_start_ns=0,
            origin_ms=0,
            time_scale=context.scenario.load.time_scale,
        )
        config = _config(context, clocks)
        report("reading the files that joining workers need")
        join = JoinConfig(
            joining=self.joining,
            processes=context.scenario.load.processes,
            files={
                name: SharedFile(path=path, facts=FileFacts.of(path))
                for name, path in config.source.shared().items()
            },
            gathered=folder.path / "joined.json",
            start=folder.path / _START,
        )
        _spawn(context, config.model_copy(update={"join": join}))
        await_joined(join, alive=lambda: is_alive(context.platform.processes.status(), LOAD), report=report)

    def start(self, context: RunContext, info: RunInfo) -> None:
        """Start the load, which begins when the run's clocks say so, and its readers with it."""
        if self.joining is None:
            _spawn(context, _config(context, info.clocks))
        else:
            info.clocks.save(context.folder.path / _START)
        if context.scenario.load.readers is not None:
            _start_readers(context, info, context.scenario.load.readers)


def _config(context: RunContext, clocks: Clocks) -> LoadConfig:
    folder, load = context.folder, context.scenario.load
    return LoadConfig(
        endpoints=folder.endpoints,
        topic=EVENTS,
        source=_source(context),
        history=folder.history,
        progress=folder.load_progress,
        clocks=clocks,
        acks=load.acks,
        users=load.users,
    )


def _source(context: RunContext) -> LoadSource:
    """What is sent; the plan is read from the history, since the cache may lose it."""
    source = context.load.source
    if isinstance(source, EventsSource):
        return source.model_copy(update={"plan": context.folder.plan})
    return source


def _spawn(context: RunContext, config: LoadConfig) -> None:
    argv, env = load_argv(
        context.folder.path / "load.json",
        config,
        duration_s=context.load.duration_s,
        processes=context.scenario.load.processes,
    )
    context.platform.processes.spawn(LOAD, argv, env=env)


def _start_readers(context: RunContext, info: RunInfo, readers: Readers) -> None:
    folder = context.folder
    config = ReadersConfig(
        endpoints=folder.endpoints,
        plan=folder.plan,
        history=folder.history,
        clocks=info.clocks,
        duration_s=context.load.duration_s,
        seed=context.scenario.seed,
        rate_per_s=readers.rate,
        weights=readers.weights,
        in_flight=readers.in_flight,
    )
    argv, env = readers_argv(folder.path / "readers.json", config)
    context.platform.processes.spawn(READERS, argv, env=env)
