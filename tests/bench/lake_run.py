"""Carries the bench of the lake out: a platform, a session, a lake for each size of a day."""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from itertools import chain
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final, NoReturn

from harness.backends.process.backend import ProcessBackend
from harness.backends.protocol import Platform
from harness.base.report import Report
from harness.base.units import size_bytes
from harness.layers.pipeline_jars import with_lake_jar
from harness.observe.readback.lake import lake_of
from harness.run.teardown import Teardown
from harness.scenario.topology import RoleSpec, Topology
from pipeline.base.endpoints import Endpoints
from pipeline.base.options import LakeOptions
from pipeline.days.spark.spark_session import cancel_jobs, spark_session
from pipeline.days.tables.delta_tables import SILVER_EVENTS, SILVER_REJECTS
from tests.bench.lake_context import BenchLake
from tests.bench.lake_duckdb import FOLDER, duckdb_steps
from tests.bench.lake_equal import require_equal
from tests.bench.lake_gold_steps import GOLD
from tests.bench.lake_meter import LakeMeter, Used
from tests.bench.lake_results import DayResults, StepResult, costs, costs_json, rounded, show_costs
from tests.bench.lake_step import FLOOR, Step, own
from tests.bench.lake_steps import spark_steps
from tests.bench.protocol import Settings
from tests.bench.results import save

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_SMALL: Final = 15_000
"""Events of a day that is small enough for what is fixed to show."""
_RUNS: Final = 2
_INTERRUPTED: Final = 130
_TOPOLOGY: Final = Topology(
    name="bench",
    zones=("a",),
    services={"object_store": {"node": RoleSpec(count=1, memory=size_bytes("192MiB"))}, "spark": {}},
    # As for a day that is large: at a million events C1 alone takes half as much again.
    jit="c2",
)
_FROM_DUCKDB: Final = (SILVER_EVENTS, SILVER_REJECTS, *GOLD)
_FROM_FLOOR: Final = (SILVER_EVENTS, *GOLD)
_NOTES: Final = (
    "one day of Bronze, real flights with 1% malformed and 1% there twice, in an object store (S3Proxy) on"
    " this machine: everybody reads and writes Delta tables there, over HTTP.",
    "floor: the same session and the same columns, and no logic: it reads every row of Bronze (for Gold those"
    " columns of Silver that Gold needs) and writes the rows that the task made, ready on the session's disk,"
    " by Delta's plain overwrite.",
    "DuckDB: SQL by the contract's rules in one process, two threads; delta-rs reads and writes for it.",
    f"CPU s are of the job's processes (Python and Spark's driver), of {_RUNS} runs the one with the least,"
    " in a session that has carried such a day out before. The object store's are store_cpu_s.",
    "verified: the task's tables, DuckDB's and the floor's hold equal rows, by checksums of all columns.",
)


def run(name: str, settings: Settings, *, events: int, options: LakeOptions) -> None:
    """Raises OutputsDiffer, and what starting a platform raises."""
    report = settings.report
    with (
        _platform(settings.out / f"{name}-logs", report) as (platform, endpoints, folder),
        spark_session(endpoints, name="floodmark-bench") as spark,
    ):
        _interruptible(report)
        meter = LakeMeter(platform, spark)
        bench = _Bench(spark=spark, endpoints=endpoints, meter=meter, folder=folder, report=report)
        found = [bench.day(size, options) for size in sorted({min(_SMALL, events), events})]
    fixed = costs(found[0], found[-1]) if len(found) > 1 else []
    file = settings.out / f"{name}.json"
    save(
        file,
        {
            "bench": name,
            "backend": ProcessBackend.name,
            "topology": _TOPOLOGY.model_dump(mode="json"),
            "packages": {package: metadata.version(package) for package in ("pyspark", "deltalake")},
            "runs": _RUNS,
            "notes": _NOTES,
            "steps": list(chain.from_iterable(day.as_json() for day in found)),
            "costs": costs_json(fixed),
            "first": [
                {"layer": layer, "events": day.steps[0].events, **rounded(used)}
                for day in found
                for layer, used in day.first.items()
            ],
        },
        engines=_TOPOLOGY.services,
    )
    for day in found:
        day.show()
    if fixed:
        show_costs(fixed)
    for note in _NOTES:
        report(note)
    report(f"results in {file}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bench:
    """A session that works on an object store, and what measures both."""

    spark: SparkSession
    endpoints: Endpoints
    meter: LakeMeter
    folder: Path
    report: Report

    def day(self, events: int, options: LakeOptions) -> DayResults:
        """Every step over a day of so many events. Raises OutputsDiffer."""
        self.report(f"a lake with a day of {events:,} events")
        lake = BenchLake.of(
            self.spark,
            self.endpoints,
            events=events,
            options=options,
            folder=self.folder,
            report=self.report,
        )
        first = {"silver": self.meter.measure(lake.silver), "gold": self.meter.measure(lake.gold)}
        for layer, used in first.items():
            self._told(f"{layer}, for the first time, which does not count", used)
        endpoint = lake.context.endpoints.object_store
        with spark_steps(lake) as of_spark:
            best = self._measured(lake, _by_layer((*of_spark, *duckdb_steps(endpoint))), events)
        tables = [(t.name, own(t, FOLDER).name) for t in _FROM_DUCKDB]
        tables += [(t.name, own(t, FLOOR).name) for t in _FROM_FLOOR]
        compared = require_equal(lake_of(endpoint), tables)
        self.report(f"{len(tables)} pairs of tables with {compared:,} rows are equal")
        return DayResults(first=first, steps=best)

    def _measured(self, lake: BenchLake, wanted: Sequence[Step], events: int) -> tuple[StepResult, ...]:
        # All of them once, then all of them again: whatever disturbs for a while disturbs no step alone.
        rounds = [[self._run(lake, step) for step in wanted] for _ in range(_RUNS)]
        best = (min(runs, key=lambda run: run[0].cpu_s) for runs in zip(*rounds, strict=True))
        return tuple(
            StepResult(
                layer=step.layer, name=step.name, adds=step.adds, events=events, used=used, commits=commits
            )
            for step, (used, commits) in zip(wanted, best, strict=True)
        )

    def _run(self, lake: BenchLake, step: Step) -> tuple[Used, int]:
        self.meter.settle()
        before = lake.commits()
        used = self.meter.measure(step.run)
        self._told(f"{step.layer}, {step.name}", used)
        return used, lake.commits() - before

    def _told(self, what: str, used: Used) -> None:
        self.report(f"{what}: {used.run_s:.1f} s, {used.cpu_s:.1f} CPU s")


def _by_layer(wanted: Sequence[Step]) -> list[Step]:
    return sorted(wanted, key=lambda step: step.layer, reverse=True)


def _interruptible(report: Report) -> None:
    """An interrupt is Spark's to cancel its jobs by, once it has a session, and Py4J tells it as an error."""

    def end(number: int, frame: FrameType | None) -> NoReturn:
        report("interrupted; everything is stopped")
        cancel_jobs()
        sys.exit(_INTERRUPTED)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)


@contextmanager
def _platform(logs: Path, report: Report) -> Iterator[tuple[Platform, Endpoints, Path]]:
    """An object store, what Spark needs beside it, and a folder; all go with the block but the logs."""
    shutil.rmtree(logs, ignore_errors=True)
    report(f"the engines' logs go to {logs}")
    with tempfile.TemporaryDirectory(prefix="floodmark-bench-") as name, Teardown(report) as teardown:
        folder = Path(name)
        platform = ProcessBackend().up(_TOPOLOGY, data_dir=folder / "data", log_dir=logs, report=report)
        teardown.on_exit("stop the platform", platform.down)
        yield platform, with_lake_jar(platform.endpoints, report=report), folder
