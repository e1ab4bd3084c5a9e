"""Runs a lake process's request on its Spark session: days or table maintenance, then scans."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import psutil

from pipeline.days.job_request import CareRequest, DaysRequest, JobRequest
from pipeline.days.scan import scan_day
from pipeline.days.table_care import care_for
from pipeline.days.tables.delta_tables import TABLES
from pipeline.days.tasks.context import Context
from pipeline.days.tasks.day_tasks import lake_jobs
from pipeline.days.tasks.job_events import Begins, Days, Event
from pipeline.days.tasks.task_runner import TaskRunner

Emit = Callable[[Event], None]


def run_request(context: Context, request: JobRequest, emit: Emit) -> None:
    """Run the request and emit an event for each part. Raises what the parts raise."""
    match request.first:
        case CareRequest():
            _care(context, request.first, emit)
        case DaysRequest():
            _days(context, request.first, emit)
    for scanned in filter(None, (scan_day(context, day) for day in request.scans)):
        emit(scanned)


def _care(context: Context, request: CareRequest, emit: Emit) -> None:
    for table in TABLES:
        if not request.tables or table.name in request.tables:
            for cared in care_for(context, table, request):
                emit(cared)


def _days(context: Context, request: DaysRequest, emit: Emit) -> None:
    runner = TaskRunner(
        records=context.records,
        now=lambda: datetime.now(UTC),
        cpu_s=_cpu_s,
        on_begin=lambda task, day: emit(Begins(task=task, day=day)),
        on_end=emit,
    )
    jobs = lake_jobs(context, runner, on_days_chosen=lambda days: emit(Days(days=tuple(days))))
    if request.ends:
        jobs.run_until(request.ends, rest=request.rest)
    elif request.days:
        jobs.run_days(request.days)
    else:
        jobs.run_open_days(before=datetime.now(UTC).date())


def _cpu_s() -> float:
    """Return the CPU seconds of this process and its children, which include Spark's driver."""
    own = psutil.Process()
    total = 0.0
    for process in (own, *own.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue  # it has just ended
        total += times.user + times.system
    return total
