"""A run takes its steps in order; whatever goes wrong, it heals, stops, and leaves what it recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest

from harness.backends.memory import MemoryBackend, MemoryPlatform, MemoryProcesses
from harness.backends.targets import Targets
from harness.base.errors import LoadFailed, PlatformError, RunError
from harness.base.run_clock import RunClock
from harness.faults.protocol import Fault
from harness.faults.registry import FAULTS
from harness.history.progress import LoadProgress, progress_file
from harness.history.reader import History
from harness.history.run_info import RunInfo
from harness.history.seal import SEAL, Seal, inspect_history
from harness.judge.checks.recovery.faults_carried_out import FaultsCarriedOut
from harness.judge.measure.measurement import Count, Unjudged
from harness.load.plan.file import PlanFile
from harness.load.traces.generate.model import Generate
from harness.load.workers.prepared_load import PreparedLoad
from harness.load.workers.source import ComputedSource, EventsSource
from harness.run.folder import RunFolder
from harness.run.provenance import Provenance
from harness.run.recorder import Recorder
from harness.run.run import LOAD, READERS, Parts, RunContext, run
from harness.scenario.faults import FaultSpec, Target
from harness.scenario.lake_steps import LakeStage, RunDays
from harness.scenario.model import Load, Scenario
from harness.scenario.topology import Topology
from pipeline.base.endpoints import Endpoints
from tests.core.fault_parts import MORE


@dataclass
class World:
    """Everything around a run, in memory: what happened is in ``did``, and ``breaks`` raises at a step."""

    folder: RunFolder
    did: list[str] = field(default_factory=list)
    breaks: Mapping[str, BaseException] = field(default_factory=dict)
    unsteady: str = ""
    plans: bool = True
    """Whether the load's events are planned, and not computed as they are sent."""
    load_done_after: int = 40
    load_dies_after: int = 10**9
    readers_done_after: int = 0
    """0 where there are none."""
    dies: Mapping[int, str] = field(default_factory=dict)
    """What the kernel kills, by the look after which it does."""
    dies_in_drain: str = ""
    gives_up_after: int = 10**6
    """Looks after which a test gives up that waits for a run to do so."""
    looks: int = 0
    now_ns: int = 0
    tick_ns: int = 0
    """How far the clock moves whenever the run reads it."""

    def __post_init__(self) -> None:
        self.backend = MemoryBackend(self.did, monotonic_ns=lambda: self.now_ns)

    def read_clock(self) -> int:
        self.now_ns += self.tick_ns
        return self.now_ns

    def end(self, name: str, *, exit_code: int = 0) -> None:
        """What a node or a process does by itself."""
        platform = self.backend.platforms[-1]
        (platform if name in platform.nodes else platform.processes).end(name, exit_code=exit_code)

    def step(self, what: str) -> None:
        self.did.append(what)
        if what in self.breaks:
            raise self.breaks[what]

    # The pipeline.
    endpoints = Endpoints(())

    def deploy(self) -> None:
        self.step("deploy")

    def processes(self, folder: RunFolder) -> Sequence[tuple[str, Sequence[str]]]:
        return (("hot-writer-1", ("writer",)),)

    # The load, the watch and what comes after.
    def start_load(self, context: RunContext, info: RunInfo) -> None:
        self.step("start load")
        context.platform.processes.spawn(LOAD, ())
        if self.readers_done_after:
            context.platform.processes.spawn(READERS, ())

    def drain(self) -> None:
        self.step("drain")
        if self.dies_in_drain:
            self.end(self.dies_in_drain, exit_code=1)

    def stop(self) -> None:
        self.step("stop watching")

    def read_back(self) -> None:
        self.step("read back")

    def watch(self, context: RunContext, info: RunInfo) -> World:
        self.step("watch")
        return self

    def sleep(self, _: float) -> None:
        """Every sleep lasts a quarter of a second, and the load goes on meanwhile."""
        self.looks += 1
        assert self.looks < self.gives_up_after
        self.now_ns += 250_000_000
        if self.looks > self.load_dies_after:
            self.end(LOAD)
        if self.looks == self.readers_done_after:
            self.end(READERS)
        if self.looks in self.dies:
            self.end(self.dies[self.looks], exit_code=-9)
        done = self.load_done_after < self.looks < self.load_dies_after
        LoadProgress(
            state="done" if done else "sending",
            at_ns=self.now_ns,
            sent=1,
            acknowledged=1,
            unknown=0,
            failed=0,
            total=2,
            behind_ms=0,
        ).save(progress_file(self.folder.load_progress, "worker-0"))

    def prepared(self) -> PreparedLoad:
        plan = self.folder.path / "cached.parquet"
        plan.write_bytes(b"plan")
        planned = PlanFile(
            path=plan,
            key="k",
            events=2,
            counts={},
            span_ms=1,
            last_send_ms=1,
            trace_events=2,
        )
        if self.plans:
            return PreparedLoad(source=EventsSource(plan=plan), plan=planned, duration_s=30, span_ms=1)
        generate = Generate.model_validate({"entities": 1, "event_types": {"view": 1.0}})
        drawn = ComputedSource(generate=generate, seed=1, span_ms=1, batch_bytes=1000, events=1)
        return PreparedLoad(source=drawn, plan=None, duration_s=30, span_ms=1)

    def parts(self) -> Parts:
        return Parts(
            backend=self.backend,
            prepare=lambda scenario, report: self.prepared(),
            pipeline=lambda endpoints, options, report: self,
            gather=lambda *_: self.step("gather"),
            start_load=self.start_load,
            watch=self.watch,
            lake=lambda *_: self.step("lake"),
            why_not_steady=lambda path: self.unsteady,
            provenance=Provenance(commit="c", machine={}, versions={}),
            clock=RunClock(epoch_unix_ns=10**18, epoch_monotonic_ns=0, monotonic_ns=self.read_clock),
            sleep=self.sleep,
        )

    def run(self, scenario: Scenario) -> None:
        run(scenario, self.parts(), folder=self.folder, command="floodmark run x", report=lambda _: None)

    def ended(self) -> str:
        return RunInfo.load(self.folder.history).ended

    def lines(self, name: str) -> list[dict[str, Any]]:
        return [orjson.loads(line) for line in (self.folder.history / name).read_bytes().splitlines()]


@pytest.fixture
def world(tmp_path: Path) -> Callable[..., World]:
    def make(**changes: Any) -> World:
        return World(RunFolder.create(tmp_path, scenario(), date(2026, 1, 2)), **changes)

    return make


def scenario(*faults: FaultSpec, lake: LakeStage | None = None) -> Scenario:
    return Scenario(
        name="small",
        description="",
        seed=1,
        topology=Topology.model_validate(
            {
                "name": "one",
                "zones": ("a",),
                "services": {"kafka": {"broker": {"count": 1, "memory": "64MiB"}}},
            }
        ),
        load=Load.model_validate({"trace": Path("t.yaml"), "event_span": "10s", "duration": "10s"}),
        warm_up=0.5,
        faults=faults,
        lake=lake,
    )


KILL = FaultSpec(kind="kill", targets=("kafka-broker-1",), at=1.0, heal_after=0.5)
UP = ["up", "deploy", "spawn hot-writer-1", "gather", "watch", "start load", "spawn load"]
ONE_DAY = LakeStage(steps=(RunDays(days=(1,)),))
END = ["drain", "stop watching", "read back", "stop watching", "down"]


def test_a_run_goes_through_its_steps_in_order(world: Callable[..., World]) -> None:
    w = world()
    w.run(scenario())
    assert w.did == [*UP, *END]
    assert w.ended() == "complete"


def test_the_batch_stage_follows_the_drain_in_a_phase_of_its_own(world: Callable[..., World]) -> None:
    w = world()
    w.run(scenario(lake=ONE_DAY))
    assert w.did == [*UP, "drain", "lake", *END[1:]]
    assert [line["phase"] for line in w.lines("phases.jsonl")][-3:] == ["drain", "lake", "done"]


def test_a_run_whose_load_computes_its_events_goes_through_the_same_steps(
    world: Callable[..., World],
) -> None:
    planned, computed = world(), world(plans=False)
    for each in (planned, computed):
        each.run(scenario())
    assert computed.did == planned.did
    assert not computed.folder.plan.exists()
    assert computed.ended() == "complete"


def test_faults_happen_and_are_healed_before_the_drain(world: Callable[..., World]) -> None:
    w = world()
    w.run(scenario(KILL))
    assert w.did == [*UP, "kill kafka-broker-1", "start kafka-broker-1", *END]
    assert [line["action"] for line in w.lines("faults.jsonl")] == ["inject", "look", "look", "heal"]


def test_a_run_is_sealed_when_no_process_is_left_that_writes_to_it(
    world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    w = world()
    log = w.folder.history / "hot_writes-1.jsonl"
    down = MemoryPlatform.down

    def write_to_the_end(platform: MemoryPlatform) -> None:
        log.write_bytes(b"what a writer wrote while it was stopped")
        down(platform)

    monkeypatch.setattr(MemoryPlatform, "down", write_to_the_end)
    w.run(scenario(KILL))
    found = inspect_history(w.folder.path)
    assert (found.sealed, found.broken) == (True, {})
    names = ("ends.jsonl", "faults.jsonl", "hot_writes-1.jsonl", "phases.jsonl", "plan.parquet", "run.json")
    assert Seal.decoded((w.folder.path / SEAL).read_bytes()).files.keys() == {
        "scenario.json",
        *(f"history/{name}" for name in names),
    }


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RunError("x")])
@pytest.mark.parametrize("step", ["deploy", "start load", "drain", "read back"])
def test_a_run_that_failed_or_was_interrupted_is_sealed_too(
    world: Callable[..., World], step: str, error: BaseException
) -> None:
    w = world(breaks={step: error})
    with pytest.raises(type(error)):
        w.run(scenario())
    found = inspect_history(w.folder.path)
    assert (found.sealed, found.broken) == (True, {})


def test_a_run_and_the_cache_share_no_file(world: Callable[..., World]) -> None:
    w = world()
    index = w.folder.path / "cached.index.parquet"
    index.write_bytes(b"index")
    w.folder.keep_encoded(index)
    w.run(scenario())
    for cached, kept in (
        (w.folder.path / "cached.parquet", w.folder.plan),
        (index, w.folder.history / "encoded" / "trace.parquet"),
    ):
        assert kept.read_bytes() == cached.read_bytes()
        with cached.open("r+b") as file:
            file.write(b"x")
        assert kept.read_bytes() != cached.read_bytes()


def test_phases_are_recorded_in_order(world: Callable[..., World]) -> None:
    w = world()
    w.run(scenario())
    assert [line["phase"] for line in w.lines("phases.jsonl")] == ["warm_up", "steady", "drain", "done"]


def test_a_fault_and_its_phase_begin_at_one_instant_and_so_do_its_heal_and_the_recovery(
    world: Callable[..., World],
) -> None:
    w = world(tick_ns=1000)
    w.run(scenario(KILL))
    phases = {line["phase"]: line["at_ns"] for line in w.lines("phases.jsonl")}
    faults = {line["action"]: line["at_ns"] for line in w.lines("faults.jsonl")}
    assert [*phases] == ["warm_up", "steady", "fault", "recovery", "drain", "done"]
    assert (faults["inject"], faults["heal"]) == (phases["fault"], phases["recovery"])


def idle(fault: type[Fault]) -> type[Fault]:
    """A fault that does nothing and claims to have worked."""

    class Idle(fault):  # type: ignore[misc, valid-type]
        def inject(self, platform: Targets, target: Target) -> None:
            pass

        def heal(self, platform: Targets, target: Target) -> None:
            pass

    return Idle


@pytest.mark.parametrize("kind", [n for n, f in FAULTS.items() if f.requires <= MemoryBackend.capabilities])
def test_a_fault_whose_injection_does_nothing_is_not_believed(
    kind: str, world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = scenario(KILL.model_copy(update={"kind": kind}))
    for faults, believed in ((FAULTS, True), ({kind: idle(FAULTS[kind])}, False)):
        monkeypatch.setattr("harness.run.run.FAULTS", faults)
        w = world()
        w.folder.scenario.write_text(planned.model_dump_json())
        w.run(planned)
        measured = FaultsCarriedOut().measure(History.open(w.folder.path))
        assert isinstance(measured, Count if believed else Unjudged), measured


def test_what_faults_prepare_is_in_place_before_the_platform_starts(
    world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.run.run.FAULTS", MORE)
    skew = FaultSpec(
        kind="skew",
        targets=("kafka-broker-1", "hot-writer-1"),
        at=1.0,
        heal_after=0.5,
        parameters={"by": 3.0},
    )
    w = world()
    w.run(scenario(skew))
    prepared = ["prepare kafka-broker-1", "prepare hot-writer-1"]
    assert w.did[: len(UP) + 2] == [*prepared, *UP]
    assert w.backend.platforms[-1].processes.spawned_with["hot-writer-1"] == {"SKEW": "3"}


def test_faults_whose_preparations_contradict_each_other_start_nothing(
    world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.run.run.FAULTS", MORE)
    skews = [
        FaultSpec(kind="skew", targets=("kafka-broker-1",), at=at, heal_after=0.5, parameters={"by": at})
        for at in (1.0, 2.0)
    ]
    w = world()
    with pytest.raises(PlatformError, match="two faults prepare kafka-broker-1 differently"):
        w.run(scenario(*skews))
    assert w.did == []


def test_recovery_begins_when_the_last_of_several_faults_is_healed(world: Callable[..., World]) -> None:
    w = world(load_done_after=80)
    longer = KILL.model_copy(update={"kind": "pause", "at": 1.25, "heal_after": 6.0})
    w.run(scenario(KILL, longer))
    assert [line["phase"] for line in w.lines("phases.jsonl")][2:4] == ["fault", "recovery"]
    heals = [line["at_ns"] for line in w.lines("faults.jsonl") if line["action"] == "heal"]
    recovery = next(line for line in w.lines("phases.jsonl") if line["phase"] == "recovery")
    assert recovery["at_ns"] == max(heals)


def test_a_heal_that_works_only_after_the_load_begins_no_phase_of_it(tmp_path: Path) -> None:
    recorder = Recorder(history=tmp_path, clock=RunClock.start())
    recorder.fault({"action": "inject"}, "fault")
    recorder.enter("drain")
    recorder.fault({"action": "heal"}, "recovery")
    phases = [orjson.loads(line)["phase"] for line in (tmp_path / "phases.jsonl").read_bytes().splitlines()]
    assert phases == ["fault", "drain"]
    assert len((tmp_path / "faults.jsonl").read_bytes().splitlines()) == 2


def test_nothing_is_broken_when_the_platform_is_not_steady(world: Callable[..., World]) -> None:
    w = world(unsteady="lag grows")
    with pytest.raises(RunError, match="not steady before: lag grows"):
        w.run(scenario(KILL))
    assert "kill kafka-broker-1" not in w.did
    assert w.did[-1] == "down"


def test_what_was_acknowledged_before_a_load_died_is_drained_and_read_back(
    world: Callable[..., World],
) -> None:
    w = world(load_dies_after=0)
    with pytest.raises(LoadFailed, match="the load died") as failed:
        w.run(scenario())
    assert w.did == [*UP, *END]
    assert w.ended() == f"load_failed: {failed.value}"
    assert [line["phase"] for line in w.lines("phases.jsonl")][-2:] == ["drain", "done"]


def test_a_run_whose_load_failed_carries_no_day_out_that_is_not_the_planned_one(
    world: Callable[..., World],
) -> None:
    w = world(load_dies_after=0)
    with pytest.raises(LoadFailed):
        w.run(scenario(lake=ONE_DAY))
    assert w.did == [*UP, *END]


def test_a_run_whose_load_failed_and_whose_drain_breaks_is_not_read_back(world: Callable[..., World]) -> None:
    w = world(load_dies_after=0, breaks={"drain": OSError("no space left")})
    with pytest.raises(OSError, match="no space left"):
        w.run(scenario())
    assert w.ended() == "failed: no space left"


def test_an_interrupt_while_a_failed_load_is_read_back_is_an_interrupt(world: Callable[..., World]) -> None:
    w = world(load_dies_after=0, breaks={"read back": KeyboardInterrupt()})
    with pytest.raises(KeyboardInterrupt):
        w.run(scenario())
    assert w.ended() == "interrupted"


def test_the_readers_of_a_load_that_failed_are_ended_before_the_drain(world: Callable[..., World]) -> None:
    w = world(load_dies_after=0, readers_done_after=10**9)
    with pytest.raises(LoadFailed, match="the load died"):
        w.run(scenario())
    assert w.did[-6:] == [f"kill {READERS}", *END]


def test_what_a_load_said_before_it_died_is_in_the_runs_error(world: Callable[..., World]) -> None:
    w = world(load_dies_after=0)
    (w.folder.logs / "load.log").write_text(
        "... ERROR harness.load.send.record_batches: cannot begin: no topic events\n"
    )
    with pytest.raises(LoadFailed, match=r"died before everything was sent: .*no topic events"):
        w.run(scenario())
    assert "no topic events" in w.ended()


def test_a_node_that_the_kernel_kills_is_recorded_with_its_time(world: Callable[..., World]) -> None:
    w = world(dies={8: "kafka-broker-1"})
    w.run(scenario())
    assert w.lines("ends.jsonl") == [{"at_ns": 2_000_000_000, "node": "kafka-broker-1", "exit": -9}]
    assert w.ended() == "complete"


def test_a_writer_that_dies_while_the_platform_drains_is_recorded(world: Callable[..., World]) -> None:
    w = world(dies_in_drain="hot-writer-1")
    w.run(scenario())
    assert [(line["node"], line["exit"]) for line in w.lines("ends.jsonl")] == [("hot-writer-1", 1)]


def test_that_nothing_died_is_recorded_too_and_what_is_stopped_at_the_end_did_not(
    world: Callable[..., World],
) -> None:
    w = world()
    w.run(scenario())
    assert w.lines("ends.jsonl") == []


def test_a_process_that_a_fault_kills_again_and_again_ends_each_time(world: Callable[..., World]) -> None:
    w = world(load_done_after=80)
    w.run(scenario(KILL, KILL.model_copy(update={"at": 5.0})))
    assert [line["node"] for line in w.lines("ends.jsonl")] == ["kafka-broker-1", "kafka-broker-1"]


def test_the_drain_waits_for_the_readers(world: Callable[..., World]) -> None:
    w = world(readers_done_after=100)
    w.run(scenario())
    (ended,), (*_, drain, _) = w.lines("ends.jsonl"), w.lines("phases.jsonl")
    assert (ended["node"], ended["exit"]) == (READERS, 0)
    assert ended["at_ns"] <= drain["at_ns"]


def test_readers_that_do_not_end_after_the_load_are_given_up(world: Callable[..., World]) -> None:
    w = world(readers_done_after=10**9, gives_up_after=2_000)
    with pytest.raises(LoadFailed, match="the readers live"):
        w.run(scenario())
    assert w.ended().startswith("load_failed: the readers live")
    assert w.did[-6:] == [f"kill {READERS}", *END]


def test_readers_that_die_in_the_middle_are_recorded(world: Callable[..., World]) -> None:
    w = world(readers_done_after=10**9, dies={20: READERS})
    w.run(scenario())
    assert [(line["node"], line["exit"]) for line in w.lines("ends.jsonl")] == [(READERS, -9)]


def test_a_load_that_lives_and_does_nothing_is_given_up(world: Callable[..., World]) -> None:
    w = world(load_done_after=10**9, gives_up_after=2_000)
    with pytest.raises(LoadFailed, match=r"the load lives.* 1 of 2 events"):
        w.run(scenario())
    assert w.ended().startswith("load_failed: the load lives")
    assert w.did == [*UP, f"kill {LOAD}", *END]


def test_a_load_that_was_ended_for_a_lost_worker_ends_the_run(world: Callable[..., World]) -> None:
    w = world()
    LoadProgress.of_failure(1).save(progress_file(w.folder.load_progress, "master"))
    with pytest.raises(LoadFailed, match="the load failed"):
        w.run(scenario())
    assert w.ended().startswith("load_failed: the load failed, ")
    assert w.did[-5:] == END


def test_nothing_is_read_back_while_a_part_of_a_failed_load_may_still_send(
    world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MemoryProcesses, "process_state", lambda processes, name: "running")
    w = world(load_dies_after=0, gives_up_after=2_000)
    with pytest.raises(RunError, match="load is still running"):
        w.run(scenario())
    assert w.ended().startswith("failed: load is still running")
    assert "read back" not in w.did


def test_a_load_that_failed_is_given_time_to_record_what_it_knows(world: Callable[..., World]) -> None:
    w = world(load_dies_after=20)
    LoadProgress.of_failure(1).save(progress_file(w.folder.load_progress, "master"))
    with pytest.raises(LoadFailed):
        w.run(scenario())
    assert w.looks > 20
    assert w.did == [*UP, *END]


@pytest.mark.parametrize("step", ["deploy", "watch", "start load", "drain", "lake", "read back"])
def test_an_interrupt_anywhere_still_stops_the_platform(world: Callable[..., World], step: str) -> None:
    w = world(breaks={step: KeyboardInterrupt()})
    with pytest.raises(KeyboardInterrupt):
        w.run(scenario(lake=ONE_DAY))
    assert w.did[-1] == "down"
    if step != "deploy":
        assert w.ended() == "interrupted"


def test_what_is_broken_when_a_run_fails_is_healed(world: Callable[..., World]) -> None:
    w = world(load_done_after=10**9, load_dies_after=60)
    never_healed = KILL.model_copy(update={"heal_after": 600.0})
    with pytest.raises(LoadFailed, match="the load died"):
        w.run(scenario(never_healed))
    assert w.did.index("start kafka-broker-1") < w.did.index("drain")


def test_the_event_clock_of_a_run_starts_in_the_past(world: Callable[..., World]) -> None:
    w = world()
    w.run(scenario())
    info = RunInfo.load(w.folder.history)
    assert info.origin_ms < info.epoch_unix_ns // 1_000_000


@pytest.mark.parametrize(("plans", "events"), [(True, 2), (False, None)])
def test_what_the_trace_had_is_recorded(world: Callable[..., World], plans: bool, events: int | None) -> None:
    w = world(plans=plans)
    w.run(scenario())
    assert RunInfo.load(w.folder.history).trace_events == events
