"""A step of the bench of the lake, and what its steps do on Spark: read, and write in two ways."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from pipeline.days.tables.delta_tables import Table
from pipeline.days.tables.publish import publish
from tests.bench.lake_context import BenchLake
from tests.bench.lake_day import DAY
from tests.only_writer import OnlyWriter

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Layer = Literal["silver", "gold"]
FLOOR: Final = "floor"
TASK: Final = "task"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something that is measured."""

    layer: Layer
    name: str
    adds: str
    """What it does that the step before it does not."""
    run: Callable[[], object]


def own(table: Table, name: str) -> Table:
    """Where a step writes what the pipeline would write into a table."""
    return replace(table, name=f"{name}/{table.name}")


def day_of(lake: BenchLake, table: Table, task: str) -> DataFrame:
    """The day's rows as the pipeline reads them, of the version that a task promoted."""
    promoted = lake.context.promoted(task, table, DAY)
    assert promoted is not None  # the lake has been made
    return lake.context.read_day(table, promoted.version, DAY)


def read(rows: DataFrame) -> None:
    """Every column of every row, and nothing else."""
    rows.write.format("noop").mode("overwrite").save()


def write_plainly(lake: BenchLake, table: Table, rows: DataFrame) -> None:
    """The whole table, as Delta writes it when it is told nothing."""
    writer = rows.write.format("delta").mode("overwrite").partitionBy(*table.partition_columns)
    writer.save(lake.context.uri(own(table, FLOOR)))


def publish_as(
    name: str, lake: BenchLake, table: Table, rows: DataFrame, *, looked_up: Sequence[str] = ()
) -> None:
    """As the pipeline publishes the day, into a table of the step's own."""
    publish(
        rows,
        lake.context.uri(own(table, name)),
        DAY if table.partition_columns else None,
        table.partition_columns,
        looked_up=looked_up,
        fence=OnlyWriter(),
    )
