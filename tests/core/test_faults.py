"""Faults happen when the schedule says, are recorded as they happen, and are always healed."""

from __future__ import annotations

import itertools
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.backends.memory import MemoryPlatform
from harness.backends.targets import Targets
from harness.base.errors import PlatformError
from harness.base.run_clock import RunClock
from harness.faults.conductor import Conductor
from harness.faults.kill import Kill
from harness.faults.registry import FAULTS
from harness.faults.schedule import Action, schedule
from harness.history.course import FaultLine, PhaseLine, spans
from harness.history.parquet_parts import read_lines
from harness.judge.measure.timing import phases_at
from harness.processes.protocol import ProcessState
from harness.run.recorder import Recorder as RunRecorder
from harness.scenario.faults import FaultSpec, Target
from harness.scenario.phases import PhaseName
from harness.scenario.topology import RoleSpec, Topology
from pipeline.base.endpoints import Endpoints

TOPOLOGY = Topology(name="one", zones=("a",), services={"kafka": {"broker": RoleSpec(count=1, memory=2**26)}})


class Recorder:
    """A platform that only remembers what was asked of it, and fails where it is told to."""

    endpoints: Endpoints

    def __init__(self, fail_starts: int = 0, crash_starts: Mapping[str, Exception] | None = None) -> None:
        self.asked: list[tuple[str, str]] = []
        self.fail_starts = fail_starts
        self.crash_starts = {**(crash_starts or {})}
        self.states: dict[str, ProcessState] = {}

    def signal(self, node: str, action: str) -> None:
        self.asked.append((action, node))

    def process_state(self, node: str) -> ProcessState:
        return self.states.get(node, "running")

    def start(self, node: str, *, timeout_s: float = 60.0) -> None:
        if self.fail_starts:
            self.fail_starts -= 1
            raise PlatformError(f"{node} would not start")
        if crash := self.crash_starts.get(node):
            raise crash
        self.asked.append(("start", node))

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"a fault asked the platform for {name}")


def fault(at: float, heal_after: float, kind: str = "kill", node: str = "kafka-broker-1") -> FaultSpec:
    return FaultSpec(kind=kind, targets=(node,), at=at, heal_after=heal_after)


Lines = list[dict[str, Any]]


def conductor(platform: Targets) -> tuple[Conductor, Lines]:
    """One that records into what is returned with it, each line with its ``phase``."""
    lines: Lines = []

    def record(line: dict[str, object], phase: PhaseName) -> None:
        lines.append({**line, "phase": phase})

    return Conductor(platform=platform, record=record, report=lambda _: None), lines


def steps(lines: Lines) -> list[tuple[str, bool]]:
    return [(line["action"], line["ok"]) for line in lines if line["action"] != "look"]


def actions(kind: str = "kill") -> tuple[Action, Action]:
    inject, heal = schedule([fault(1.0, 1.0, kind)], TOPOLOGY, FAULTS)
    return inject, heal


@given(st.lists(st.builds(fault, st.floats(0, 600), st.floats(0.001, 600))))
def test_a_schedule_is_ordered_and_heals_every_injection(faults: list[FaultSpec]) -> None:
    steps = schedule(faults, TOPOLOGY, FAULTS)
    assert [s.at_s for s in steps] == sorted(s.at_s for s in steps)
    for number in range(len(faults)):
        assert [s.action for s in steps if s.number == number] == ["inject", "heal"]


def test_kill_is_healed_by_starting_the_node_again() -> None:
    platform = Recorder()
    subject, _ = conductor(platform)
    for step in actions("kill"):
        subject.begin(step)
    subject.heal_all()
    assert platform.asked == [("kill", "kafka-broker-1"), ("start", "kafka-broker-1")]


def test_pause_is_healed_by_resuming_the_node() -> None:
    platform = Recorder()
    subject, _ = conductor(platform)
    subject.begin(actions("pause")[0])
    subject.heal_all()
    assert platform.asked[:2] == [("pause", "kafka-broker-1"), ("resume", "kafka-broker-1")]


def test_heal_all_heals_what_the_schedule_never_reached() -> None:
    subject, lines = conductor(Recorder())
    subject.begin(actions()[0])
    subject.heal_all()
    assert not subject.broken
    assert steps(lines) == [("inject", True), ("heal", True)]


def test_a_heal_that_failed_is_tried_again() -> None:
    subject, lines = conductor(Recorder(fail_starts=1))
    for step in actions():
        subject.begin(step)
    subject.heal_all()
    assert not subject.broken
    assert steps(lines) == [("inject", True), ("heal", False), ("heal", True)]


def test_a_heal_that_keeps_failing_leaves_the_fault_in_force_and_on_record() -> None:
    subject, lines = conductor(Recorder(fail_starts=9))
    subject.begin(actions()[0])
    subject.heal_all()
    assert subject.broken
    assert lines[-1]["detail"] == "kafka-broker-1: kafka-broker-1 would not start"


def kills(*nodes: str) -> tuple[Action, ...]:
    return tuple(killing("inject", node, number=number) for number, node in enumerate(nodes))


def killing(action: Literal["inject", "heal"], *nodes: str, number: int = 0) -> Action:
    targets = tuple(map(Target, nodes))
    fault = Kill(targets=nodes, at=1.0, heal_after=1.0)
    return Action(at_s=1.0, number=number, action=action, fault=fault, targets=targets)


def test_an_error_that_nobody_foresaw_is_a_problem_of_its_fault_and_keeps_no_other_from_its_heal() -> None:
    platform = Recorder(crash_starts={"a": OSError("no such device")})
    subject, lines = conductor(platform)
    for step in kills("a", "b", "c"):
        subject.begin(step)
    with pytest.raises(OSError, match="no such device"):
        subject.heal_all()
    assert {node for asked, node in platform.asked if asked == "start"} == {"b", "c"}
    heals = {str(line["nodes"]): line for line in lines if line["action"] == "heal"}
    assert heals["['a']"]["detail"] == "a: OSError: no such device"
    assert {nodes: line["ok"] for nodes, line in heals.items()} == {
        "['a']": False,
        "['b']": True,
        "['c']": True,
    }
    assert subject.broken


def test_every_target_of_a_fault_is_healed_whatever_happens_to_the_first() -> None:
    platform = Recorder(crash_starts={"a": OSError("no such device")})
    subject, _ = conductor(platform)
    subject.begin(killing("inject", "a", "b"))
    with pytest.raises(OSError, match="no such device"):
        subject.heal_all()
    assert ("start", "b") in platform.asked


def test_a_record_that_cannot_be_written_keeps_nothing_from_its_heal() -> None:
    platform = Recorder()
    subject, _ = conductor(platform)
    inject = kills("a", "b")
    for step in inject:
        subject.begin(step)

    def full(line: dict[str, object], phase: PhaseName) -> None:
        raise OSError("no space left")

    subject.record = full
    with pytest.raises(OSError, match="no space left"):
        subject.heal_all()
    assert {node for asked, node in platform.asked if asked == "start"} == {"a", "b"}


def test_an_unforeseen_error_of_a_heal_that_worked_later_is_raised_once() -> None:
    platform = Recorder(crash_starts={"a": OSError("no such device")})
    subject, _ = conductor(platform)
    for step in kills("a"):
        subject.begin(step)
    with pytest.raises(OSError, match="no such device"):
        subject.heal_all()
    platform.crash_starts.clear()
    subject.heal_all()
    assert not subject.broken


def test_after_the_last_heal_no_thread_is_left() -> None:
    subject, _ = conductor(Recorder())
    subject.begin(kills("a")[0])
    subject.heal_all()
    left = [thread for thread in threading.enumerate() if thread.name.startswith("fault")]
    for thread in left:
        thread.join(10)
    assert not any(thread.is_alive() for thread in left)


def test_a_step_that_hangs_is_not_waited_for_longer_than_told() -> None:
    release = threading.Event()

    class Hanging(Recorder):
        def signal(self, node: str, action: str) -> None:
            assert node != "a" or release.wait(60)
            super().signal(node, action)

    platform = Hanging()
    subject, _ = conductor(platform)
    for step in kills("a", "b"):
        subject.begin(step)
    subject.heal_all(wait_s=0.05)
    assert {node for asked, node in platform.asked if asked == "start"} == {"a", "b"}
    release.set()


@pytest.mark.parametrize("kind", ["kill", "pause"])
def test_a_fault_at_a_node_that_is_dead_is_not_carried_out(kind: str) -> None:
    platform = MemoryPlatform(TOPOLOGY, [])
    platform.end("kafka-broker-1", exit_code=-9)
    subject, lines = conductor(platform)
    subject.begin(actions(kind)[0])
    subject.heal_all()
    problems = [(line["action"], line["detail"]) for line in lines if not line["ok"]]
    assert problems == [
        ("inject", f"kafka-broker-1: cannot {kind} kafka-broker-1: it has already ended, by SIGKILL")
    ]
    assert not subject.broken


def test_a_slow_heal_delays_no_other_step() -> None:
    release = threading.Event()

    class Slow(Recorder):
        def start(self, node: str, *, timeout_s: float = 60.0) -> None:
            assert release.wait(10)
            super().start(node)

    platform = Slow()
    subject, _ = conductor(platform)
    inject, heal = actions()
    subject.begin(inject)
    subject.begin(heal)
    killed_meanwhile = threading.Event()

    class Other(Recorder):
        def signal(self, node: str, action: str) -> None:
            killed_meanwhile.set()

    platform.signal = Other().signal  # type: ignore[method-assign]
    subject.begin(killing("inject", "kafka-broker-2", number=1))
    assert killed_meanwhile.wait(10)
    release.set()
    subject.heal_all()


ZONE = ("a", "b", "c")


def of_zone(action: Literal["inject", "heal"]) -> Action:
    return killing(action, *ZONE)


class Together(Recorder):
    """Goes on with what is asked of a node only once it is asked of all of them."""

    def __init__(self) -> None:
        super().__init__()
        self.kills, self.starts = threading.Barrier(len(ZONE)), threading.Barrier(len(ZONE))

    def signal(self, node: str, action: str) -> None:
        self.kills.wait(10)
        super().signal(node, action)

    def start(self, node: str, *, timeout_s: float = 60.0) -> None:
        self.starts.wait(10)
        super().start(node)


@pytest.mark.parametrize("scheduled", [True, False])
def test_the_targets_of_one_fault_are_broken_and_healed_at_the_same_time(scheduled: bool) -> None:
    subject, lines = conductor(Together())
    subject.begin(of_zone("inject"))
    if scheduled:
        subject.begin(of_zone("heal"))
    subject.heal_all()
    assert steps(lines) == [("inject", True), ("heal", True)]
    assert {tuple(line["nodes"]) for line in lines} == {ZONE}


def test_what_went_wrong_at_each_target_is_on_record_in_the_order_of_the_scenario() -> None:
    platform = Recorder(crash_starts={"c": PlatformError("no disk"), "a": PlatformError("no memory")})
    subject, lines = conductor(platform)
    subject.begin(of_zone("inject"))
    subject.heal_all()
    assert lines[-1]["detail"] == "a: no memory; c: no disk"


def test_an_injection_is_on_record_when_begin_returns_and_a_heal_waits_for_it() -> None:
    release = threading.Event()

    class SlowKill(Recorder):
        def signal(self, node: str, action: str) -> None:
            assert release.wait(10)
            super().signal(node, action)

    platform = SlowKill()
    subject, lines = conductor(platform)
    subject.begin(of_zone("inject"))
    assert steps(lines) == [("inject", True)]
    subject.begin(of_zone("heal"))
    release.set()
    subject.heal_all()
    assert [asked for asked, _ in platform.asked] == ["kill"] * 3 + ["start"] * 3


def test_each_line_bears_the_phase_that_the_run_is_in_from_then_on() -> None:
    subject, lines = conductor(Recorder())
    for step in kills("a", "b"):
        subject.begin(step)
    subject.heal_all()
    heals = [line["phase"] for line in lines if line["action"] == "heal"]
    assert {line["phase"] for line in lines if line["action"] == "inject"} == {"fault"}
    assert heals == ["fault", "recovery"]


def test_the_state_of_each_target_is_on_record_after_the_injection_and_before_the_heal() -> None:
    platform = Recorder()
    platform.states = {"a": "paused", "b": "ended"}
    subject, lines = conductor(platform)
    subject.begin(of_zone("inject"))
    subject.heal_all()
    seen = {"a": "paused", "b": "ended", "c": "running"}
    assert [(line["action"], line.get("states")) for line in lines] == [
        ("inject", None),
        ("look", seen),
        ("look", seen),
        ("heal", None),
    ]


def test_two_faults_of_one_node_are_healed_one_after_the_other() -> None:
    under_way: list[str] = []

    class Alone(Recorder):
        def start(self, node: str, *, timeout_s: float = 60.0) -> None:
            under_way.append(node)
            assert under_way == [node]
            super().start(node)
            under_way.remove(node)

    platform = Alone()
    subject, _ = conductor(platform)
    for step in kills("a", "a", "a"):
        subject.begin(step)
    subject.heal_all()
    assert platform.asked[-3:] == [("start", "a")] * 3


@settings(max_examples=30, deadline=None)
@given(st.lists(st.builds(fault, st.floats(0, 60), st.floats(0.001, 60)), min_size=1, max_size=6))
def test_every_injection_lies_in_the_phase_fault_and_the_last_heal_in_recovery(
    faults: list[FaultSpec],
) -> None:
    ticks = itertools.count(1)
    with tempfile.TemporaryDirectory() as folder:
        clock = RunClock(epoch_unix_ns=0, epoch_monotonic_ns=0, monotonic_ns=lambda: next(ticks))
        recorder = RunRecorder(history=Path(folder), clock=clock)
        recorder.enter("steady")
        subject = Conductor(platform=Recorder(), record=recorder.fault, report=lambda _: None)
        for step in schedule(faults, TOPOLOGY, FAULTS):
            subject.begin(step)
        subject.heal_all()
        phases, _ = read_lines(Path(folder, "phases.jsonl"), PhaseLine)
        lines, _ = read_lines(Path(folder, "faults.jsonl"), FaultLine)
    history = SimpleNamespace(phases=spans(phases))
    injected = np.array([line.at_ns for line in lines if line.action == "inject"])
    assert set(phases_at(history, injected).tolist()) == {"fault"}  # type: ignore[arg-type]
    assert len(injected) == len(faults)
    assert (phases[-1].phase, phases[-1].at_ns) == ("recovery", lines[-1].at_ns)
