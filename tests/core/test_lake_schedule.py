"""What a process of the lake carries out, and in which order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest

from pipeline.base.errors import DaysArchived, NoSuchDay
from pipeline.days.tasks.lake_jobs import LakeJobs
from pipeline.days.tasks.task import Task, TaskResult
from pipeline.days.tasks.task_records import Records
from pipeline.days.tasks.task_runner import TaskRunner
from tests.core.test_lake_graph import Memory

DAYS = [date(2026, 11, day) for day in (19, 20, 21)]
DONE = TaskResult(outcome="promoted")


class Lake:
    """Notes what is done to it; a day is open until it was run, and again once ``reopen`` says so."""

    def __init__(self, known: set[date]) -> None:
        self.known, self.ran, self.said = known, set[date](), list[str]()
        self.archived = set[date]()
        self.reopens: Callable[[date | None], set[date]] = lambda end: set()

    def land(self, end: date | None) -> TaskResult:
        self.said.append(f"land {end.day if end else 'all'}")
        self.ran -= self.reopens(end)
        return DONE

    def run(self, day: date) -> TaskResult:
        self.said.append(f"run {day.day}")
        self.ran.add(day)
        return DONE

    def jobs(self) -> LakeJobs:
        now = datetime(2026, 11, 22, tzinfo=UTC)
        return LakeJobs(
            land=self.land,
            known_days=lambda: self.known,
            open_days=lambda: self.known - self.ran,
            archived_days=lambda: self.archived,
            tasks=[Task(name="bronze", after=(), run=self.run)],
            runner=TaskRunner(records=Records(Memory()), now=lambda: now, cpu_s=lambda: 0.0),
        )


def test_days_that_are_asked_for_are_run_whether_or_not_they_are_open() -> None:
    lake = Lake(set(DAYS))
    for _ in range(2):
        lake.jobs().run_days([DAYS[1]])
    assert lake.said == ["land all", "run 20"] * 2


def test_a_day_of_which_nothing_is_known_is_refused_with_those_that_are() -> None:
    lake = Lake(set(DAYS))
    with pytest.raises(NoSuchDay, match=r"2026-01-01.*there are 2026-11-19, 2026-11-20, 2026-11-21"):
        lake.jobs().run_days([date(2026, 1, 1)])
    assert lake.said == ["land all"]


def test_days_in_the_archive_are_refused_before_anything_is_done() -> None:
    lake = Lake(set(DAYS))
    lake.archived = set(DAYS[:2])
    with pytest.raises(DaysArchived, match="2026-11-19, 2026-11-20"):
        lake.jobs().run_days(DAYS)
    assert lake.said == []


def test_a_day_in_the_archive_is_not_open() -> None:
    lake = Lake(set(DAYS))
    lake.archived = {DAYS[0]}
    lake.jobs().run_open_days(before=DAYS[2])
    lake.jobs().run_until(DAYS[:1])
    assert lake.said == ["land all", "run 20", "land 19"]


def test_only_open_days_that_have_ended_are_run_unasked() -> None:
    lake = Lake(set(DAYS))
    lake.ran = {DAYS[0]}
    lake.jobs().run_open_days(before=DAYS[2])
    assert lake.said == ["land all", "run 20"]


def test_each_day_is_landed_until_its_end_and_run() -> None:
    lake = Lake(set(DAYS))
    lake.jobs().run_until(DAYS[:2])
    assert lake.said == ["land 19", "run 19", "land 20", "run 20"]


def test_what_is_left_is_landed_at_last_and_reopens_days_until_the_last_end() -> None:
    lake = Lake(set(DAYS))
    lake.reopens = lambda end: set(DAYS) if end is None else set()
    lake.jobs().run_until(DAYS[:2], rest=True)
    assert lake.said[4:] == ["land all", "run 19", "run 20"]


def test_a_day_that_late_data_reopens_is_run_again_with_the_next() -> None:
    lake = Lake(set(DAYS))
    lake.reopens = lambda end: {DAYS[0]} if end == DAYS[1] else set()
    lake.jobs().run_until(DAYS[:2])
    assert lake.said == ["land 19", "run 19", "land 20", "run 19", "run 20"]
