"""A day's graph of tasks: its order, what is held back, and what is recorded."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from pipeline.days.tasks.job_events import Ended
from pipeline.days.tasks.task import Expectation, Gate, Outcome, Task, TaskResult
from pipeline.days.tasks.task_records import Records
from pipeline.days.tasks.task_runner import TaskRunner, run_day

DAY = date(2026, 11, 20)
DONE = TaskResult(outcome="promoted")
NOW = datetime(2026, 11, 21, tzinfo=UTC)


class Memory:
    """Objects in a dictionary."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}

    def get(self, key: str) -> bytes:
        return self.held[key]

    def put_if_absent(self, key: str, body: bytes) -> bool:
        return self.held.setdefault(key, body) is body

    def list(self, prefix: str) -> list[str]:
        return sorted(key for key in self.held if key.startswith(prefix))


def runner(records: Records | None = None) -> TaskRunner:
    return TaskRunner(records=records or Records(Memory()), now=lambda: NOW, cpu_s=lambda: 0.0)


def task(name: str, *after: str, ends: Outcome = "promoted") -> Task:
    return Task(name=name, after=after, run=lambda day: TaskResult(outcome=ends, counts={"read": 1}))


def test_tasks_are_carried_out_behind_those_that_they_read() -> None:
    records = run_day([task("gold", "silver"), task("silver", "bronze"), task("bronze")], DAY, runner())
    assert [record.task for record in records] == ["bronze", "silver", "gold"]


def test_when_a_task_began_and_ended_is_told_by_the_monotonic_clock() -> None:
    ticks, ended = iter((5, 12)), list[Ended]()
    by_clock = replace(runner(), monotonic_ns=lambda: next(ticks), on_end=ended.append)
    run_day([task("bronze")], DAY, by_clock)
    assert [(e.record.task, e.began_monotonic_ns, e.ended_monotonic_ns) for e in ended] == [("bronze", 5, 12)]


def test_what_is_behind_a_quarantined_task_is_held_back() -> None:
    tasks = [task("bronze"), task("silver", "bronze", ends="quarantined"), task("gold", "silver")]
    assert [r.result.outcome for r in run_day(tasks, DAY, runner())] == [
        "promoted",
        "quarantined",
        "held_back",
    ]


def test_what_is_behind_a_task_that_was_held_back_is_held_back_too() -> None:
    tasks = [task("a", ends="quarantined"), task("b", "a"), task("c", "b")]
    assert [r.result.outcome for r in run_day(tasks, DAY, runner())][1:] == ["held_back", "held_back"]


def test_a_task_that_is_for_every_day_is_carried_out_behind_one_that_was_held_back() -> None:
    always = Task(name="c", after=("b",), run=lambda day: DONE, even_if_kept_back=True)
    tasks = [task("a", ends="quarantined"), task("b", "a"), always]
    assert [r.result.outcome for r in run_day(tasks, DAY, runner())][1:] == ["held_back", "promoted"]


def test_a_task_that_breaks_leaves_no_record_and_those_before_it_keep_theirs() -> None:
    def breaks(day: date) -> TaskResult:
        raise OSError("the disk is full")

    records = Records(Memory())
    with pytest.raises(OSError, match="disk is full"):
        run_day([task("bronze"), Task(name="silver", after=("bronze",), run=breaks)], DAY, runner(records))
    assert records.last("bronze", DAY) is not None
    assert records.last("silver", DAY) is None


def test_a_task_that_is_carried_out_again_is_recorded_again() -> None:
    records = Records(Memory())
    for _ in range(2):
        run_day([task("bronze")], DAY, runner(records))
    assert [record.number for record in records.of("bronze", DAY)] == [1, 2]


def test_two_that_record_at_once_both_keep_their_record() -> None:
    class Late(Memory):
        """Lists nothing, as if what is there had been written a moment ago."""

        def list(self, prefix: str) -> list[str]:
            return []

    objects = Late()
    for _ in range(2):
        run_day([task("bronze")], DAY, runner(Records(objects)))
    assert sorted(objects.held) == [f"runs/{DAY}/bronze/{n:06d}.json" for n in (1, 2)]


def test_the_last_promotion_is_not_the_last_record() -> None:
    records = Records(Memory())
    run_day([task("silver")], DAY, runner(records))
    run_day([task("silver", ends="quarantined")], DAY, runner(records))
    promoted, last = records.last_promoted("silver", DAY), records.last("silver", DAY)
    assert promoted is not None
    assert promoted.number == 1
    assert last is not None
    assert last.result.outcome == "quarantined"


def test_records_know_their_days() -> None:
    records = Records(Memory())
    runner(records).run("land", None, lambda: TaskResult(outcome="promoted"))
    run_day([task("bronze")], DAY, runner(records))
    assert records.days() == [DAY]


@pytest.mark.parametrize("result", ["failed", "not_evaluated"])
def test_a_critical_rule_that_does_not_pass_fails_the_gate(result: str) -> None:
    rule = {"rule": "identity_is_unique", "result": result, "observed": "2", "limit": "0"}
    gate = Gate(layer="silver", expectations=(Expectation.model_validate({**rule, "severity": "error"}),))
    assert gate.failed == ("identity_is_unique",)
    warned = Gate(layer="silver", expectations=(Expectation.model_validate({**rule, "severity": "warning"}),))
    assert warned.failed == ()
