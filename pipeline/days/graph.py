"""Carries a day's tasks out in the order of their graph, and records each."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from graphlib import TopologicalSorter

from pipeline.days.events import Ended
from pipeline.days.records import Records
from pipeline.days.task import Task, TaskRecord, TaskResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Bookkeeping:
    """What tasks are recorded by."""

    records: Records
    now: Callable[[], datetime]
    cpu_s: Callable[[], float]
    """Processor seconds so far, of this process and of its children."""
    begins: Callable[[str, date | None], None] = lambda task, day: None
    """Told of each task that begins."""
    ended: Callable[[Ended], None] = lambda ended: None
    """Told of each task that ended."""
    monotonic_ns: Callable[[], int] = time.monotonic_ns

    def carry_out(self, name: str, day: date | None, run: Callable[[], TaskResult]) -> TaskRecord:
        """Do something, and record it. What it raises is raised, and nothing is recorded."""
        self.begins(name, day)
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
        self.ended(Ended(record=record, began_monotonic_ns=began_ns, ended_monotonic_ns=ended_ns))
        return record


def run_day(tasks: Sequence[Task], day: date, books: Bookkeeping) -> Sequence[TaskRecord]:
    """Every task of the day once. Those behind one that was not promoted are held back, unless they say else.

    Raises what the tasks raise; what was recorded before stays, and the day can be run again.
    """
    by_name = {task.name: task for task in tasks}
    kept_back: set[str] = set()
    records: list[TaskRecord] = []
    for name in TopologicalSorter({task.name: task.after for task in tasks}).static_order():
        blocked_by = [before for before in by_name[name].after if before in kept_back]
        record = books.carry_out(name, day, _carrying(by_name[name], day, blocked_by))
        records.append(record)
        if record.result.outcome != "promoted":
            kept_back.add(name)
    return records


def _carrying(task: Task, day: date, blocked_by: Sequence[str]) -> Callable[[], TaskResult]:
    if not blocked_by or task.even_if_kept_back:
        return lambda: task.run(day)
    note = f"{task.name} of {day} was not begun, since {' and '.join(blocked_by)} was not promoted"
    return lambda: TaskResult(outcome="held_back", notes=(note,))
