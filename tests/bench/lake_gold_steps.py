"""Gold of a day in steps, as tests/bench/lake_silver_steps.py has Silver."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Final

from pipeline.days.layers.gold import daily, entities, entity_days, hourly
from pipeline.days.tables.delta_tables import (
    GOLD_DAILY,
    GOLD_ENTITIES,
    GOLD_ENTITY_DAYS,
    GOLD_HOURLY,
    SILVER_EVENTS,
    Table,
)
from pipeline.days.tasks import silver_task
from pipeline.days.tasks.parallel import in_parallel
from tests.bench.lake_context import BenchLake
from tests.bench.lake_step import FLOOR, TASK, Step, day_of, own, publish_as, read, write_plainly

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_OF_DAYS: Final = (GOLD_DAILY, GOLD_HOURLY, GOLD_ENTITY_DAYS)
GOLD: Final = (*_OF_DAYS, GOLD_ENTITIES)
_READ: Final = (
    *("event_date", "event_time", "event_id", "event_type", "entity_id", "category", "value", "quantity"),
)


def gold_steps(lake: BenchLake, made: Mapping[Table, DataFrame]) -> tuple[Step, ...]:
    """``made``: the rows that the task makes of each table, ready to be written."""
    step = partial(Step, layer="gold")
    return (
        step(
            name=FLOOR,
            adds="a plain Spark job: reads the columns of Silver that Gold needs, and writes Gold's rows",
            run=lambda: (_read(lake), in_parallel(lambda t: write_plainly(lake, t, made[t]), GOLD)),
        ),
        step(
            name="publish",
            adds="replaces the day in three tables, then all of the fourth",
            run=lambda: (
                _read(lake),
                _publish("publish", lake, made),
                _rest("publish", lake, made[GOLD_ENTITIES]),
            ),
        ),
        step(
            name="aggregate",
            adds="the rows computed: three aggregates, each reading Silver by itself, and entities of days",
            run=lambda: _aggregate("aggregate", lake),
        ),
        step(
            name=TASK,
            adds="the pipeline's own task: three gates, catalogue, leases, record",
            run=lake.gold,
        ),
    )


def _silver(lake: BenchLake) -> DataFrame:
    return day_of(lake, SILVER_EVENTS, silver_task.NAME)


def _read(lake: BenchLake) -> None:
    read(_silver(lake).select(*_READ))


def _publish(name: str, lake: BenchLake, made: Mapping[Table, DataFrame]) -> None:
    in_parallel(lambda table: publish_as(name, lake, table, made[table]), _OF_DAYS)


def _rest(name: str, lake: BenchLake, made: DataFrame) -> None:
    publish_as(name, lake, GOLD_ENTITIES, made)


def _aggregate(name: str, lake: BenchLake) -> None:
    events = _silver(lake)
    made = {
        GOLD_DAILY: daily(events).persist(),
        GOLD_HOURLY: hourly(events).persist(),
        GOLD_ENTITY_DAYS: entity_days(events).persist(),
    }
    try:
        _publish(name, lake, made)
        days = lake.context.spark.read.format("delta").load(lake.context.uri(own(GOLD_ENTITY_DAYS, name)))
        _rest(name, lake, entities(days))
    finally:
        for frame in made.values():
            frame.unpersist()
