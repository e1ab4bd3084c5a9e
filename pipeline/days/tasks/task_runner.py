"""Runs a day's tasks in the order of their graph, and records each run."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from graphlib import TopologicalSorter

from pipeline.days.tasks.job_events import Ended
from pipeline.days.tasks.task import Task, TaskRecord, TaskResult
from pipeline.days.tasks.task_records import Records


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRunner:
    """Runs tasks and records them."""

    records: Records
    now: Callable[[], datetime]
    cpu_s: Callable[[], float]
    """CPU seconds so far, of this process and its children."""
    on_begin: Callable[[str, date | None], None] = lambda task, day: None
    """Called when a task begins."""
    on_end: Callable[[Ended], None] = lambda ended: None
    """Called when a task has ended."""
    monotonic_ns: Callable[[], int] = time.monotonic_ns

    def run(self, name: str, day: date | None, run: Callable[[], TaskResult]) -> TaskRecord:
        """Run a task and record it. Its errors propagate, and are not recorded."""
        self.on_begin(name, day)
        began_at, began_ns, began_cpu_s = self.now(), self.monotonic_ns(), self.cpu_s()
        result = run()
        record = self.records.add(
            TaskRecord(
                task=name,
                day=day,
                number=0,
                began_at=began_at,
                ended_at=self.now(),
                cpu_s=round(self.cpu_s() - began_cpu_s, 3),
                result=result,
            )
        )
        ended_ns = self.monotonic_ns()
        self.on_end(Ended(record=record, began_monotonic_ns=began_ns, ended_monotonic_ns=ended_ns))
        return record


def run_day(tasks: Sequence[Task], day: date, runner: TaskRunner) -> Sequence[TaskRecord]:
    """Run every task of the day once. Tasks that follow an unpromoted one are held back, unless they opt out.

    Raises what the tasks raise; earlier records stay, and the day can be run again.
    """
    by_name = {task.name: task for task in tasks}
    kept_back: set[str] = set()
    records: list[TaskRecord] = []
    for name in TopologicalSorter({task.name: task.after for task in tasks}).static_order():
        blocked_by = [before for before in by_name[name].after if before in kept_back]
        record = runner.run(name, day, _body_of(by_name[name], day, blocked_by))
        records.append(record)
        if record.result.outcome != "promoted":
            kept_back.add(name)
    return records


def _body_of(task: Task, day: date, blocked_by: Sequence[str]) -> Callable[[], TaskResult]:
    if not blocked_by or task.even_if_kept_back:
        return lambda: task.run(day)
    note = f"{task.name} of {day} was not begun, since {' and '.join(blocked_by)} was not promoted"
    return lambda: TaskResult(outcome="held_back", notes=(note,))
