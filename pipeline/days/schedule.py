"""What one process of the lake carries out, in its order: landing, then days."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from datetime import date

from pipeline.days.graph import Bookkeeping, run_day
from pipeline.days.task import Task, TaskRecord, TaskResult
from pipeline.errors import DaysArchived, NoSuchDay

LAND = "land"


@dataclass(frozen=True, slots=True, kw_only=True)
class LakeJobs:
    """The lake of one platform."""

    land: Callable[[date | None], TaskResult]
    """Land what the source held when this day had ended, or all that it holds."""
    known_days: Callable[[], Set[date]]
    """The days of which anything was landed or dropped."""
    open_days: Callable[[], Set[date]]
    """Those of them that were never carried out, or of which something came since."""
    tasks: Sequence[Task]
    """Of every day."""
    books: Bookkeeping
    archived_days: Callable[[], Set[date]] = frozenset
    """The days of which anything is in the archive. They are not carried out, open or not."""
    chosen: Callable[[Sequence[date]], None] = lambda days: None
    """Told which days are going to be carried out."""

    def carry_out(self, days: Sequence[date]) -> Sequence[TaskRecord]:
        """Land what is new, then these days, open or not.

        Raises DaysArchived before anything is done, NoSuchDay, and what the tasks raise.
        """
        if archived := sorted(set(days) & self.archived_days()):
            raise DaysArchived(archived)
        records = [self._land(None)]
        known = self.known_days()
        if missing := sorted(set(days) - known):
            raise NoSuchDay(missing, sorted(known))
        return [*records, *self._run(sorted(set(days)))]

    def carry_out_open(self, *, before: date) -> Sequence[TaskRecord]:
        """Land what is new, then every day that is open and ended before this one began."""
        return [self._land(None), *self._run([day for day in self._open() if day < before])]

    def carry_out_until(self, ends: Sequence[date], *, rest: bool = False) -> Sequence[TaskRecord]:
        """For each: land what the source held when that day ended, then every day that is open by then.

        With ``rest`` what is left is landed at last, and the days until the last end that it reopens are
        carried out again.
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
        return self.books.carry_out(LAND, None, lambda: self.land(end))

    def _run(self, days: Sequence[date]) -> Sequence[TaskRecord]:
        self.chosen(days)
        return [record for day in days for record in run_day(self.tasks, day, self.books)]
