"""A lake with one day of Bronze: real flights, as often as it takes, some malformed, some there twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from harness.artifacts import cache_dir
from harness.base.errors import RunError
from harness.base.report import Report
from harness.load.plan.cached import build_plan
from harness.run.lake.references import key_of, snapshots
from harness.validate.scenario_file import load_scenario
from pipeline.base.endpoints import Endpoints
from pipeline.base.options import LakeOptions
from pipeline.days.landing.reference import load_reference
from pipeline.days.tables.delta_tables import BRONZE_EVENTS
from pipeline.days.tables.publish import publish
from pipeline.days.tasks import bronze_task, gold_task, silver_task
from pipeline.days.tasks.context import REFERENCES, Context
from pipeline.days.tasks.day_tasks import context_of
from pipeline.days.tasks.task import Output, TaskRecord, TaskResult
from pipeline.days.tasks.task_runner import TaskRunner
from tests.bench.lake_day import DAY, write_day
from tests.only_writer import OnlyWriter

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_SCENARIO: Final = Path("scenarios/lake-day.yaml")
_TRACE: Final = Path(__file__).with_name("flights.yaml")
"""Whose events and reference tables are measured with: 1% malformed, 1% there twice."""


class BenchLake:
    """A bucket of its own, in which the tasks of the day are carried out by the pipeline's own code."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._runner = TaskRunner(records=context.records, now=context.now, cpu_s=lambda: 0.0)

    @staticmethod
    def of(
        spark: SparkSession,
        endpoints: Endpoints,
        *,
        events: int,
        options: LakeOptions,
        folder: Path,
        report: Report,
    ) -> BenchLake:
        """A new one, with Bronze and the reference tables. ``folder`` is for a while."""
        scenario = load_scenario(_SCENARIO, overrides={"load.trace": str(_TRACE)})
        endpoints = endpoints.replacing(replace(endpoints.object_store, bucket=f"bench-{events}"))
        context = context_of(spark, endpoints, options, holder="bench", now=lambda: datetime.now(UTC))
        context.objects.create_bucket()
        assert scenario.lake is not None  # it is the scenario of this layer
        for name, content in snapshots(scenario.lake.references, report=report).items():
            context.objects.put(key_of(name), content)
        for table, contract in REFERENCES.items():
            if (
                load_reference(spark, context.objects, context.uri(table), contract, fence=OnlyWriter())
                is None
            ):
                raise RunError(f"{table.name}: there is no snapshot of it, so nothing would be known")
        rows = folder / f"{events}.parquet"
        write_day(build_plan(scenario, cache=cache_dir(), report=report).path, rows, events=events)
        lake = BenchLake(context)
        lake.run_task(bronze_task.NAME, partial(lake._bronze, rows))
        rows.unlink()
        return lake

    def silver(self) -> TaskRecord:
        """The day's Silver, with its gate, its rejects, its leases and its record."""
        return self.run_task(silver_task.NAME, partial(silver_task.silver_of, self.context, DAY))

    def gold(self) -> TaskRecord:
        """The day's Gold, likewise."""
        return self.run_task(gold_task.NAME, partial(gold_task.gold_of, self.context, DAY))

    def run_task(self, task: str, run: Callable[[], TaskResult]) -> TaskRecord:
        """A task, recorded as the pipeline records it. Raises RunError when its gate kept the day back."""
        record = self._runner.run(task, DAY, run)
        if record.result.outcome != "promoted":
            failed = record.result.gate.failed if record.result.gate else ()
            raise RunError(f"{task} of {DAY} was {record.result.outcome}: {', '.join(failed)}")
        return record

    def commits(self) -> int:
        """Of all tables of the lake so far."""
        keys = self.context.objects.list("")
        return sum("/_delta_log/" in key and key.endswith(".json") for key in keys)

    def _bronze(self, rows: Path) -> TaskResult:
        table = self.context.uri(BRONZE_EVENTS)
        frame = self.context.spark.read.parquet(str(rows))
        done = publish(frame, table, DAY, BRONZE_EVENTS.partition_columns, fence=OnlyWriter())
        output = Output(
            table=BRONZE_EVENTS.name, version=done.version, rows=done.rows, files=done.files, bytes=done.bytes
        )
        return TaskResult(outcome="promoted", outputs=(output,))
