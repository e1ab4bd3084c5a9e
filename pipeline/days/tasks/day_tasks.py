"""Assembles the lake's tasks on a Spark session, an object store and a catalogue."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING

from pipeline.base.endpoints import Endpoints
from pipeline.base.options import LakeOptions
from pipeline.catalogue.lake_catalogue import LakeCatalogue
from pipeline.days.partners.listing import partner_listing
from pipeline.days.tasks import bronze_task, gold_task, quality_task, silver_task
from pipeline.days.tasks.bronze_task import bronze_of
from pipeline.days.tasks.context import Context
from pipeline.days.tasks.gold_task import gold_of
from pipeline.days.tasks.lake_jobs import LakeJobs
from pipeline.days.tasks.landing_task import land_until, landings_of
from pipeline.days.tasks.open_days import BronzeInputs, history, open_days
from pipeline.days.tasks.quality_task import quality_of
from pipeline.days.tasks.silver_task import silver_of
from pipeline.days.tasks.task import Task, TaskRecord
from pipeline.days.tasks.task_records import Records
from pipeline.days.tasks.task_runner import TaskRunner
from pipeline.lake.objects import Objects
from pipeline.lifecycle.archive_record import archived_days
from pipeline.lifecycle.lake_stores import lake_stores

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def context_of(
    spark: SparkSession,
    endpoints: Endpoints,
    options: LakeOptions,
    *,
    holder: str,
    now: Callable[[], datetime],
) -> Context:
    """Build the context that the tasks of one process share."""
    objects = Objects(endpoints.object_store)
    return Context(
        spark=spark,
        endpoints=endpoints,
        objects=objects,
        catalogue=LakeCatalogue(objects),
        records=Records(objects),
        stores=lake_stores(endpoints.object_store, objects, holder=holder),
        options=options,
        holder=holder,
        now=now,
    )


def lake_jobs(
    context: Context, runner: TaskRunner, *, on_days_chosen: Callable[[Sequence[date]], None]
) -> LakeJobs:
    """Assemble the jobs of the context's lake."""
    tasks = _tasks(context)
    return LakeJobs(
        land=partial(land_until, context),
        known_days=partial(_known_days, context),
        open_days=partial(_open_days, context, [task.name for task in tasks]),
        tasks=tasks,
        runner=runner,
        archived_days=partial(archived_days, context.stores.policy, context.objects),
        on_days_chosen=on_days_chosen,
    )


def _tasks(context: Context) -> Sequence[Task]:
    """Return a day's tasks, each after the one before it."""
    return (
        Task(name=bronze_task.NAME, after=(), run=partial(bronze_of, context)),
        Task(name=silver_task.NAME, after=(bronze_task.NAME,), run=partial(silver_of, context)),
        Task(name=gold_task.NAME, after=(silver_task.NAME,), run=partial(gold_of, context)),
        Task(
            name=quality_task.NAME,
            after=(gold_task.NAME,),
            run=partial(quality_of, context),
            # A day that was kept back needs its report most.
            even_if_kept_back=True,
        ),
    )


def _known_days(context: Context) -> Set[date]:
    dropped = {file.day for file in partner_listing(context.objects).files}
    return dropped | landings_of(context).days.keys()


def _open_days(context: Context, tasks: Sequence[str]) -> Set[date]:
    """Return the open days, including those whose last run is unfinished: their Gold is older than Bronze."""
    last = {
        day: [context.records.last(task, day) for task in tasks]  # Bronze is the first
        for day in context.records.days()
    }
    made_of = {day: BronzeInputs.from_inputs(of[0].result.inputs) for day, of in last.items() if of[0]}
    landed = history(landings_of(context))
    unfinished = {day for day in made_of if not _is_finished(last[day])}
    return open_days(landed, made_of, partner_listing(context.objects).files) | unfinished


def _is_finished(last: Sequence[TaskRecord | None]) -> bool:
    """Return whether each task's newest run began after that of the task before it."""
    began = [record.began_at for record in last if record]
    return len(began) == len(last) and began == sorted(began)
