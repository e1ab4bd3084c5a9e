"""Gold of a day: daily and hourly aggregates, what each entity did, and the entities over all days."""

from __future__ import annotations

from datetime import date

from pipeline.catalogue.events import current_event_contract
from pipeline.days.fencing import Fence
from pipeline.days.gold import daily, entities, entity_days, hourly
from pipeline.days.tables import GOLD_DAILY, GOLD_ENTITIES, GOLD_ENTITY_DAYS, GOLD_HOURLY, SILVER_EVENTS
from pipeline.days.task import Input, Output, TaskResult
from pipeline.days.tasks import silver_task
from pipeline.days.tasks.context import Context
from pipeline.days.tasks.promotion import Part, promote, published
from pipeline.errors import NoSuchDay

NAME = "gold"
_OF_DAYS = (GOLD_DAILY, GOLD_HOURLY, GOLD_ENTITY_DAYS)


def gold_of(context: Context, day: date) -> TaskResult:
    """Replace the day in every table of Gold, then the entities. Raises NoSuchDay where Silver has none."""
    silver = context.promoted(silver_task.NAME, SILVER_EVENTS, day)
    if silver is None:
        raise NoSuchDay([day], context.records.days())
    events = context.read_day(SILVER_EVENTS, silver.version, day)
    frames = {
        GOLD_DAILY: daily(events).persist(),
        GOLD_HOURLY: hourly(events).persist(),
        GOLD_ENTITY_DAYS: entity_days(events).persist(),
    }
    try:
        with context.writing(*_OF_DAYS, GOLD_ENTITIES) as leases:
            done = promote(
                context,
                NAME,
                day,
                [Part(table=table, rows=frame) for table, frame in frames.items()],
                leases=leases,
                contract=current_event_contract(context.catalogue),
                source_rows={SILVER_EVENTS.name: silver.rows},
            )
            outputs = [*done.outputs]
            if done.outcome == "promoted":
                outputs.append(_entities(context, day, leases[GOLD_ENTITIES.name]))
    finally:
        for frame in frames.values():
            frame.unpersist()
    return TaskResult(
        outcome=done.outcome,
        inputs=(Input(name=SILVER_EVENTS.name, version=str(silver.version)),),
        outputs=tuple(outputs),
        counts={"read": silver.rows, "written": sum(output.rows for output in outputs)},
        gates=done.gates,
    )


def _entities(context: Context, day: date, fence: Fence) -> Output:
    days = context.spark.read.format("delta").load(context.uri(GOLD_ENTITY_DAYS))
    part = Part(table=GOLD_ENTITIES, rows=entities(days))
    return published(context, part, GOLD_ENTITIES, day, fence=fence)
