"""All steps on Spark over one lake."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pyspark import StorageLevel

from pipeline.days.tables.delta_tables import SILVER_EVENTS
from tests.bench.lake_context import BenchLake
from tests.bench.lake_gold_steps import GOLD, gold_steps
from tests.bench.lake_silver_steps import silver_steps
from tests.bench.lake_step import Step


@contextmanager
def spark_steps(lake: BenchLake) -> Iterator[tuple[Step, ...]]:
    """Of a lake whose Silver and Gold were made once, which is what the floors write again."""
    context = lake.context
    made = {
        # On disk, so that the heap is the steps' own.
        table: context.spark.read.format("delta").load(context.uri(table)).persist(StorageLevel.DISK_ONLY)
        for table in (SILVER_EVENTS, *GOLD)
    }
    for frame in made.values():
        frame.count()
    yield (*silver_steps(lake, made[SILVER_EVENTS]), *gold_steps(lake, made))
    # After an error the session ends, if it has not ended already.
    for frame in made.values():
        frame.unpersist()
