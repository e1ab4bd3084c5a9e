"""Silver and Gold of a day in steps, each doing more than the one before: from the floor to the whole task.

All but the last write into tables of their own, by the functions of which the pipeline's tasks are made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from pyspark import StorageLevel

from pipeline.batch.gold import daily, entities, entity_days, hourly
from pipeline.batch.publish import publish
from pipeline.batch.silver import Silver, silver
from pipeline.batch.tables import (
    BRONZE_EVENTS,
    GOLD_DAILY,
    GOLD_ENTITIES,
    GOLD_ENTITY_DAYS,
    GOLD_HOURLY,
    SILVER_EVENTS,
    SILVER_REJECTS,
    Table,
)
from pipeline.batch.tasks.at_once import at_once
from pipeline.batch.tasks.silver_task import LOOKED_UP
from pipeline.catalogue.events import current_event_contract
from tests.bench.batch_day import DAY
from tests.bench.batch_lake import BatchLake

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Layer = Literal["silver", "gold"]
FLOOR: Final = "floor"
TASK: Final = "task"
_GOLD_OF_DAYS: Final = (GOLD_DAILY, GOLD_HOURLY, GOLD_ENTITY_DAYS)
_MADE: Final = (SILVER_EVENTS, *_GOLD_OF_DAYS, GOLD_ENTITIES)
_GOLD_READS: Final = (
    *("event_date", "event_time", "event_id", "event_type", "entity_id", "category", "value", "quantity"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something that is measured."""

    layer: Layer
    name: str
    adds: str
    """What it does that the step before it does not."""
    run: Callable[[], object]


@contextmanager
def steps(lake: BatchLake) -> Iterator[tuple[Step, ...]]:
    """The steps of a lake whose Silver and Gold were made once, which is what the floors write again."""
    context = lake.context
    made = {
        # On disk, so that the heap is the steps' own.
        table: context.spark.read.format("delta").load(context.uri(table)).persist(StorageLevel.DISK_ONLY)
        for table in _MADE
    }
    try:
        for frame in made.values():
            frame.count()
        yield (*_silver_steps(lake, made[SILVER_EVENTS]), *_gold_steps(lake, made))
    finally:
        for frame in made.values():
            frame.unpersist()


def own(table: Table, name: str) -> Table:
    """Where a step writes what the pipeline would write into a table."""
    return replace(table, name=f"{name}/{table.name}")


def _silver_steps(lake: BatchLake, made: DataFrame) -> tuple[Step, ...]:
    return (
        Step(
            layer="silver",
            name=FLOOR,
            adds="a plain Spark job: reads Bronze's rows, and writes Silver's, which it finds ready on disk",
            run=lambda: (_read(_bronze(lake)), _write(lake, SILVER_EVENTS, made)),
        ),
        Step(
            layer="silver",
            name="publish",
            adds="replaces the day: one file a partition (a shuffle), Bloom filters, what the commit says",
            run=lambda: (_read(_bronze(lake)), _publish(lake, "publish", SILVER_EVENTS, made)),
        ),
        Step(
            layer="silver",
            name="judge",
            adds="the rows computed: judged by the contract's Java, kept on disk, joined to the references",
            run=lambda: _compute(lake, "judge", duplicates="keep", rejects=False),
        ),
        Step(
            layer="silver",
            name="deduplicate",
            adds="one row an identity: a shuffle and a sort of all rows",
            run=lambda: _compute(lake, "deduplicate", duplicates="drop", rejects=False),
        ),
        Step(
            layer="silver",
            name="rejects",
            adds="the other table: rejects counted by reason, and written",
            run=lambda: _compute(lake, "rejects", duplicates="drop", rejects=True),
        ),
        Step(
            layer="silver",
            name=TASK,
            adds="the pipeline's own task: gate and its examples, catalogue, leases, record",
            run=lake.silver,
        ),
    )


def _gold_steps(lake: BatchLake, made: Mapping[Table, DataFrame]) -> tuple[Step, ...]:
    return (
        Step(
            layer="gold",
            name=FLOOR,
            adds="a plain Spark job: reads the columns of Silver that Gold needs, and writes Gold's rows",
            run=lambda: (
                _read(_silver(lake).select(*_GOLD_READS)),
                at_once(lambda t: _write(lake, t, made[t]), (*_GOLD_OF_DAYS, GOLD_ENTITIES)),
            ),
        ),
        Step(
            layer="gold",
            name="publish",
            adds="replaces the day in three tables, then all of the fourth",
            run=lambda: (
                _read(_silver(lake).select(*_GOLD_READS)),
                at_once(lambda t: _publish(lake, "publish", t, made[t]), _GOLD_OF_DAYS),
                _publish(lake, "publish", GOLD_ENTITIES, made[GOLD_ENTITIES]),
            ),
        ),
        Step(
            layer="gold",
            name="aggregate",
            adds="the rows computed: three aggregates, each reading Silver by itself, and entities of days",
            run=lambda: _aggregate(lake),
        ),
        Step(
            layer="gold",
            name=TASK,
            adds="the pipeline's own task: three gates, catalogue, leases, record",
            run=lake.gold,
        ),
    )


def _bronze(lake: BatchLake) -> DataFrame:
    return _day(lake, BRONZE_EVENTS, "bronze")


def _silver(lake: BatchLake) -> DataFrame:
    return _day(lake, SILVER_EVENTS, "silver")


def _day(lake: BatchLake, table: Table, task: str) -> DataFrame:
    promoted = lake.context.promoted(task, table, DAY)
    assert promoted is not None  # the lake has been made
    return lake.context.read_day(table, promoted.version, DAY)


def _read(rows: DataFrame) -> None:
    """Every column of every row, and nothing else."""
    rows.write.format("noop").mode("overwrite").save()


def _write(lake: BatchLake, table: Table, rows: DataFrame) -> None:
    writer = rows.write.format("delta").mode("overwrite").partitionBy(*table.partition_columns)
    writer.save(lake.context.uri(own(table, FLOOR)))


def _publish(lake: BatchLake, name: str, table: Table, rows: DataFrame) -> None:
    publish(
        rows,
        lake.context.uri(own(table, name)),
        DAY if table.partition_columns else None,
        table.partition_columns,
        looked_up=LOOKED_UP if table == SILVER_EVENTS else (),
    )


def _compute(lake: BatchLake, name: str, *, duplicates: Literal["drop", "keep"], rejects: bool) -> None:
    contract = current_event_contract(lake.context.catalogue)
    with lake.context.references() as references:
        made = silver(
            _bronze(lake), references["categories"], references["assets"], contract, duplicates=duplicates
        )
        if rejects:
            made.rejects.groupBy("reason").count().collect()
        at_once(lambda part: _publish(lake, name, *part), _parts(made, rejects=rejects))


def _parts(made: Silver, *, rejects: bool) -> tuple[tuple[Table, DataFrame], ...]:
    parts = ((SILVER_EVENTS, made.accepted), (SILVER_REJECTS, made.rejects))
    return parts if rejects else parts[:1]


def _aggregate(lake: BatchLake) -> None:
    events, name = _silver(lake), "aggregate"
    frames = (daily(events).persist(), hourly(events).persist(), entity_days(events).persist())
    try:
        parts = tuple(zip(_GOLD_OF_DAYS, frames, strict=True))
        at_once(lambda part: _publish(lake, name, *part), parts)
        days = lake.context.spark.read.format("delta").load(lake.context.uri(own(GOLD_ENTITY_DAYS, name)))
        _publish(lake, name, GOLD_ENTITIES, entities(days))
    finally:
        for frame in frames:
            frame.unpersist()
