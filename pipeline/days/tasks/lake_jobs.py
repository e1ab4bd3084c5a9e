"""What a lake process runs, in order: landing, then days."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from datetime import date

from pipeline.base.errors import DaysArchived, NoSuchDay
from pipeline.days.tasks.task import Task, TaskRecord, TaskResult
from pipeline.days.tasks.task_runner import TaskRunner, run_day

LAND = "land"


@dataclass(frozen=True, slots=True, kw_only=True)
class LakeJobs:
    """The jobs of one platform's lake."""

    land: Callable[[date | None], TaskResult]
    """Land what the source held at the end of this day, or everything."""
    known_days: Callable[[], Set[date]]
    """The days for which anything was landed or dropped."""
    open_days: Callable[[], Set[date]]
    """The known days that never ran, or that have received data since."""
    tasks: Sequence[Task]
    """The tasks of every day."""
    runner: TaskRunner
    archived_days: Callable[[], Set[date]] = frozenset
    """The days with any archived data. They are never run, open or not."""
    on_days_chosen: Callable[[Sequence[date]], None] = lambda days: None
    """Called with the days that are about to run."""

    def run_days(self, days: Sequence[date]) -> Sequence[TaskRecord]:
        """Land new data, then run these days, open or not.

        Raises DaysArchived before doing anything, NoSuchDay, and what the tasks raise.
        """
        if archived := sorted(set(days) & self.archived_days()):
            raise DaysArchived(archived)
        records = [self._land(None)]
        known = self.known_days()
        if missing := sorted(set(days) - known):
            raise NoSuchDay(missing, sorted(known))
        return [*records, *self._run(sorted(set(days)))]

    def run_open_days(self, *, before: date) -> Sequence[TaskRecord]:
        """Land new data, then run every open day that ended before this one began."""
        return [self._land(None), *self._run([day for day in self._open() if day < before])]

    def run_until(self, ends: Sequence[date], *, rest: bool = False) -> Sequence[TaskRecord]:
        """For each end: land what the source held when that day ended, then run every day open by then.

        With ``rest``, finally land everything else and rerun the days up to the last end that it reopens.
        """
        records: list[TaskRecord] = []
        for end in ends:
            records += [self._land(end), *self._run_open(end)]
        if rest:
            records += [self._land(None), *self._run_open(max(ends))]
        return records

    def _run_open(self, last: date) -> Sequence[TaskRecord]:
        return self._run([day for day in self._open() if day <= last])

    def _open(self) -> Sequence[date]:
        return sorted(self.open_days() - self.archived_days())

    def _land(self, end: date | None) -> TaskRecord:
        return self.runner.run(LAND, None, lambda: self.land(end))

    def _run(self, days: Sequence[date]) -> Sequence[TaskRecord]:
        self.on_days_chosen(days)
        return [record for day in days for record in run_day(self.tasks, day, self.runner)]
