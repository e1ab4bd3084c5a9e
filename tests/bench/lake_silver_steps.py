"""Silver of a day in steps, each doing more than the one before: from the floor to the whole task.

All but the last write into tables of their own, by the functions of which the pipeline's task is made.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal

from pipeline.catalogue.catalogue import current_event_contract
from pipeline.days.layers.silver import silver
from pipeline.days.tables.delta_tables import BRONZE_EVENTS, SILVER_EVENTS, SILVER_REJECTS
from pipeline.days.tasks import bronze_task
from pipeline.days.tasks.parallel import in_parallel
from pipeline.days.tasks.silver_task import LOOKED_UP
from tests.bench.lake_context import BenchLake
from tests.bench.lake_step import FLOOR, TASK, Step, day_of, publish_as, read, write_plainly

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def silver_steps(lake: BenchLake, made: DataFrame) -> tuple[Step, ...]:
    """``made``: the rows that the task makes, ready to be written."""
    step = partial(Step, layer="silver")
    return (
        step(
            name=FLOOR,
            adds="a plain Spark job: reads Bronze's rows, and writes Silver's, which it finds ready on disk",
            run=lambda: (read(_bronze(lake)), write_plainly(lake, SILVER_EVENTS, made)),
        ),
        step(
            name="publish",
            adds="replaces the day: one file a partition (a shuffle), Bloom filters, what the commit says",
            run=lambda: (read(_bronze(lake)), _publish("publish", lake, made)),
        ),
        step(
            name="judge",
            adds="the rows computed: judged by the contract's Java, kept on disk, joined to the references",
            run=lambda: _compute(lake, "judge", duplicates="keep"),
        ),
        step(
            name="deduplicate",
            adds="one row an identity: a shuffle and a sort of all rows",
            run=lambda: _compute(lake, "deduplicate"),
        ),
        step(
            name="rejects",
            adds="the other table: rejects counted by reason, and written",
            run=lambda: _compute(lake, "rejects", rejects=True),
        ),
        step(
            name=TASK,
            adds="the pipeline's own task: gate and its examples, catalogue, leases, record",
            run=lake.silver,
        ),
    )


def _bronze(lake: BenchLake) -> DataFrame:
    return day_of(lake, BRONZE_EVENTS, bronze_task.NAME)


def _publish(name: str, lake: BenchLake, rows: DataFrame) -> None:
    publish_as(name, lake, SILVER_EVENTS, rows, looked_up=LOOKED_UP)


def _compute(
    lake: BenchLake, name: str, *, duplicates: Literal["drop", "keep"] = "drop", rejects: bool = False
) -> None:
    contract = current_event_contract(lake.context.catalogue)
    with lake.context.references() as references:
        made = silver(_bronze(lake), references, contract, duplicates=duplicates)
        writes = [partial(_publish, name, lake, made.accepted)]
        if rejects:
            made.rejects.groupBy("reason").count().collect()
            writes.append(partial(publish_as, name, lake, SILVER_REJECTS, made.rejects))
        in_parallel(lambda write: write(), writes)
