"""What one process of the lake does once Spark runs: days or the care for tables, and then scans."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import psutil

from pipeline.days.day_scan import scan_day
from pipeline.days.day_tasks import lake_jobs
from pipeline.days.events import Begins, Days, Event
from pipeline.days.graph import Bookkeeping
from pipeline.days.table_care import care_for
from pipeline.days.tables import TABLES
from pipeline.days.tasks.context import Context
from pipeline.days.wanted import CareWanted, DaysWanted, Wanted

Tell = Callable[[Event], None]


def work(context: Context, wanted: Wanted, tell: Tell) -> None:
    """Do what is wanted, and tell of each part. Raises what the parts raise."""
    match wanted.first:
        case CareWanted():
            _care(context, wanted.first, tell)
        case DaysWanted():
            _days(context, wanted.first, tell)
    for scanned in filter(None, (scan_day(context, day) for day in wanted.scans)):
        tell(scanned)


def _care(context: Context, wanted: CareWanted, tell: Tell) -> None:
    for table in TABLES:
        if not wanted.tables or table.name in wanted.tables:
            for cared in care_for(context, table, wanted):
                tell(cared)


def _days(context: Context, wanted: DaysWanted, tell: Tell) -> None:
    books = Bookkeeping(
        records=context.records,
        now=lambda: datetime.now(UTC),
        cpu_s=_cpu_s,
        begins=lambda task, day: tell(Begins(task=task, day=day)),
        ended=tell,
    )
    jobs = lake_jobs(context, books, chosen=lambda days: tell(Days(days=tuple(days))))
    if wanted.ends:
        jobs.carry_out_until(wanted.ends, rest=wanted.rest)
    elif wanted.days:
        jobs.carry_out(wanted.days)
    else:
        jobs.carry_out_open(before=datetime.now(UTC).date())


def _cpu_s() -> float:
    """Of this process and of all that it started: Spark's driver is one of them."""
    own = psutil.Process()
    total = 0.0
    for process in (own, *own.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue  # it ended just now
        total += times.user + times.system
    return total
