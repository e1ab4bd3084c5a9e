"""The real parts of the lake: its tasks on a session, a lake and a catalogue."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING

from pipeline.catalogue.lake import LakeCatalogue
from pipeline.days.graph import Bookkeeping
from pipeline.days.landings import history
from pipeline.days.open_days import BronzeInputs, open_days
from pipeline.days.partners.listing import partner_listing
from pipeline.days.records import Records
from pipeline.days.schedule import LakeJobs
from pipeline.days.task import Task, TaskRecord
from pipeline.days.tasks import bronze_task, gold_task, quality_task, silver_task
from pipeline.days.tasks.bronze_task import bronze_of
from pipeline.days.tasks.context import Context
from pipeline.days.tasks.gold_task import gold_of
from pipeline.days.tasks.landing_task import land_until, landings_of
from pipeline.days.tasks.quality_task import quality_of
from pipeline.days.tasks.silver_task import silver_of
from pipeline.endpoints import Endpoints
from pipeline.lake.objects import Objects
from pipeline.lifecycle.lake import lake_stores
from pipeline.lifecycle.record import archived_days
from pipeline.options import LakeOptions

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
    """What the tasks of one process work with."""
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


def lake_jobs(context: Context, books: Bookkeeping, *, chosen: Callable[[Sequence[date]], None]) -> LakeJobs:
    """The lake of the context's platform."""
    tasks = _tasks(context)
    return LakeJobs(
        land=partial(land_until, context),
        known_days=partial(_known_days, context),
        open_days=partial(_open_days, context, [task.name for task in tasks]),
        tasks=tasks,
        books=books,
        archived_days=partial(archived_days, context.stores.policy, context.objects),
        chosen=chosen,
    )


def _tasks(context: Context) -> Sequence[Task]:
    """Of a day, each behind the one before it."""
    return (
        Task(name=bronze_task.NAME, after=(), run=partial(bronze_of, context)),
        Task(name=silver_task.NAME, after=(bronze_task.NAME,), run=partial(silver_of, context)),
        Task(name=gold_task.NAME, after=(silver_task.NAME,), run=partial(gold_of, context)),
        Task(
            name=quality_task.NAME,
            after=(gold_task.NAME,),
            run=partial(quality_of, context),
            # A day that was kept back needs its report the most.
            even_if_kept_back=True,
        ),
    )


def _known_days(context: Context) -> Set[date]:
    dropped = {file.day for file in partner_listing(context.objects).files}
    return dropped | landings_of(context).days.keys()


def _open_days(context: Context, tasks: Sequence[str]) -> Set[date]:
    """A day whose last task did not end, or was held back, is open as well: its Gold is not of its Bronze."""
    last = {
        day: [context.records.last(task, day) for task in tasks]  # Bronze's is the first
        for day in context.records.days()
    }
    made_of = {day: BronzeInputs.from_inputs(of[0].result.inputs) for day, of in last.items() if of[0]}
    landed = history(landings_of(context))
    unfinished = {day for day in made_of if not _is_finished(last[day])}
    return open_days(landed, made_of, partner_listing(context.objects).files) | unfinished


def _is_finished(last: Sequence[TaskRecord | None]) -> bool:
    """Whether every task was carried out behind the one before it, or was kept back by a gate."""
    began = [record.began_at for record in last if record]
    return len(began) == len(last) and began == sorted(began)
