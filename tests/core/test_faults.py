"""Faults happen when the schedule says, are recorded as they happen, and are always healed."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.backends.memory import MemoryPlatform
from harness.errors import PlatformError
from harness.faults import FAULTS
from harness.faults.conductor import Conductor
from harness.faults.schedule import Action, schedule
from harness.scenario.model import FaultSpec
from harness.topology import RoleSpec, Topology
from pipeline.endpoints import Endpoints


class Recorder:
    """A platform that only remembers what was asked of it, and fails where it is told to."""

    endpoints: Endpoints

    def __init__(self, fail_starts: int = 0, crash_starts: Mapping[str, Exception] | None = None) -> None:
        self.asked: list[tuple[str, str]] = []
        self.fail_starts = fail_starts
        self.crash_starts = {**(crash_starts or {})}

    def signal(self, node: str, action: str) -> None:
        self.asked.append((action, node))

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


def conductor(platform: Recorder) -> tuple[Conductor, list[dict[str, object]]]:
    lines: list[dict[str, object]] = []
    return Conductor(platform=platform, faults=FAULTS, record=lines.append, report=lambda _: None), lines


def actions(kind: str = "kill") -> tuple[Action, Action]:
    inject, heal = schedule([fault(1.0, 1.0, kind)])
    return inject, heal


@given(st.lists(st.builds(fault, st.floats(0, 600), st.floats(0.001, 600))))
def test_a_schedule_is_ordered_and_heals_every_injection(faults: list[FaultSpec]) -> None:
    steps = schedule(faults)
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
    assert [(line["action"], line["ok"]) for line in lines] == [("inject", True), ("heal", True)]


def test_a_heal_that_failed_is_tried_again() -> None:
    subject, lines = conductor(Recorder(fail_starts=1))
    for step in actions():
        subject.begin(step)
    subject.heal_all()
    assert not subject.broken
    assert [(line["action"], line["ok"]) for line in lines] == [
        ("inject", True),
        ("heal", False),
        ("heal", True),
    ]


def test_a_heal_that_keeps_failing_leaves_the_fault_in_force_and_on_record() -> None:
    subject, lines = conductor(Recorder(fail_starts=9))
    subject.begin(actions()[0])
    subject.heal_all()
    assert subject.broken
    assert lines[-1]["detail"] == "kafka-broker-1: kafka-broker-1 would not start"


def kills(*nodes: str) -> tuple[Action, ...]:
    return tuple(
        Action(at_s=1.0, number=number, action="inject", kind="kill", targets=(node,))
        for number, node in enumerate(nodes)
    )


def test_an_error_that_nobody_foresaw_is_a_problem_of_its_fault_and_keeps_no_other_from_its_heal() -> None:
    platform = Recorder(crash_starts={"a": OSError("no such device")})
    subject, lines = conductor(platform)
    for step in kills("a", "b", "c"):
        subject.begin(step)
    with pytest.raises(OSError, match="no such device"):
        subject.heal_all()
    assert [node for asked, node in platform.asked if asked == "start"] == ["b", "c"]
    heals = {str(line["nodes"]): line for line in lines if line["action"] == "heal"}
    assert heals["['a']"]["detail"] == "a: OSError: no such device"
    assert [line["ok"] for line in heals.values()] == [False, True, True]
    assert subject.broken


def test_every_target_of_a_fault_is_healed_whatever_happens_to_the_first() -> None:
    platform = Recorder(crash_starts={"a": OSError("no such device")})
    subject, _ = conductor(platform)
    subject.begin(Action(at_s=1.0, number=0, action="inject", kind="kill", targets=("a", "b")))
    with pytest.raises(OSError, match="no such device"):
        subject.heal_all()
    assert ("start", "b") in platform.asked


def test_a_record_that_cannot_be_written_keeps_nothing_from_its_heal() -> None:
    platform = Recorder()
    subject, _ = conductor(platform)
    inject = kills("a", "b")
    for step in inject:
        subject.begin(step)

    def full(_: dict[str, object]) -> None:
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
    topology = Topology(
        name="one", zones=("a",), services={"kafka": {"broker": RoleSpec(count=1, heap=2**26)}}
    )
    platform = MemoryPlatform(topology, [])
    platform.end("kafka-broker-1", exit_code=-9)
    lines: list[dict[str, object]] = []
    subject = Conductor(platform=platform, faults=FAULTS, record=lines.append, report=lambda _: None)
    subject.begin(actions(kind)[0])
    subject.heal_all()
    problems = [(line["action"], line["detail"]) for line in lines if not line["ok"]]
    assert problems == [
        ("inject", f"kafka-broker-1: cannot {kind} kafka-broker-1: it ended before, by SIGKILL")
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
    subject.begin(Action(at_s=2.0, number=1, action="inject", kind="kill", targets=("kafka-broker-2",)))
    assert killed_meanwhile.wait(10)
    release.set()
    subject.heal_all()
