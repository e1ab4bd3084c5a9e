"""The Gold task: daily and hourly aggregates, each entity's day, and the entities over all days."""

from __future__ import annotations

from datetime import date

from pipeline.base.errors import NoSuchDay
from pipeline.catalogue.catalogue import current_event_contract
from pipeline.days.layers.gold import daily, entities, entity_days, hourly
from pipeline.days.tables.delta_tables import (
    GOLD_DAILY,
    GOLD_ENTITIES,
    GOLD_ENTITY_DAYS,
    GOLD_HOURLY,
    SILVER_EVENTS,
)
from pipeline.days.tables.fencing import Fence
from pipeline.days.tasks import silver_task
from pipeline.days.tasks.context import Context
from pipeline.days.tasks.promotion import Part, promote, published
from pipeline.days.tasks.task import Input, Output, TaskResult

NAME = "gold"
_DAY_TABLES = (GOLD_DAILY, GOLD_HOURLY, GOLD_ENTITY_DAYS)


def gold_of(context: Context, day: date) -> TaskResult:
    """Replace the day in all Gold tables, then the entities. Raises NoSuchDay if Silver lacks the day."""
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
        with context.writing(*_DAY_TABLES, GOLD_ENTITIES) as leases:
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
