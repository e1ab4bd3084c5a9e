"""What the recorder of a lake stage keep of what its processes tell."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.base.run_clock import RunClock
from harness.history.lake_schema import LAKE_TABLES
from harness.judge.judge import judge_history
from harness.judge.measure.measurement import Distribution
from harness.judge.registry import CHECKS
from harness.run.lake.job import LakeJob, report_event
from harness.run.lake.task_recorder import TaskRecorder
from harness.scenario.lake_steps import LakeStage, RunDays
from harness.scenario.model import Expectation
from pipeline.base.options import PipelineOptions
from pipeline.days.tasks.job_events import Ended, Scanned, parse
from pipeline.days.tasks.task import TaskRecord, TaskResult
from tests.core.histories import history, scenario

EPOCH = datetime(2026, 11, 23, tzinfo=UTC)
BOOTED_NS = 86_400 * 10**9
"""How long the machine had run when the run's clock began."""
SCANNED = Scanned(
    at_monotonic_ns=BOOTED_NS + 7_500_000_000,
    query="silver/events of 2026-11-20, departed alone",
    files_read=1,
    files_all=6,
    bytes_read=300,
    bytes_all=1000,
)


@pytest.fixture
def recorder(tmp_path: Path) -> TaskRecorder:
    clock = RunClock(epoch_unix_ns=round(EPOCH.timestamp()) * 10**9, epoch_monotonic_ns=BOOTED_NS)
    return TaskRecorder(history=tmp_path, clock=clock, read_contents=lambda days: pa.table({}))


def kept(recorder: TaskRecorder, table: str) -> list[dict[str, object]]:
    """The rows of a table, over all its parts."""
    return pq.read_table(recorder.history / table, schema=LAKE_TABLES[table]).to_pylist()


def test_a_query_that_was_measured_is_kept_on_the_runs_clock(recorder: TaskRecorder) -> None:
    recorder.note(parse(SCANNED.model_dump_json()))
    counts = {"files_read": 1, "files_all": 6, "bytes_read": 300, "bytes_all": 1000}
    assert kept(recorder, "lake_scans") == [{"at_ns": 7_500_000_000, "query": SCANNED.query, **counts}]


@pytest.mark.parametrize("step", [timedelta(), timedelta(hours=-1), timedelta(hours=1)])
def test_a_step_of_the_wall_clock_moves_no_task(recorder: TaskRecorder, step: timedelta) -> None:
    """In the middle of a task that takes 400 s."""
    record = TaskRecord(
        task="bronze",
        day=date(2026, 11, 20),
        number=1,
        began_at=EPOCH + timedelta(seconds=100),
        ended_at=EPOCH + timedelta(seconds=500) + step,
        cpu_s=1.0,
        result=TaskResult(outcome="promoted"),
    )
    ended = Ended(
        record=record,
        began_monotonic_ns=BOOTED_NS + 100 * 10**9,
        ended_monotonic_ns=BOOTED_NS + 500 * 10**9,
    )
    recorder.note(parse(ended.model_dump_json()))
    of = scenario(pipeline=PipelineOptions(deploy=("stream", "lake")))
    measured = CHECKS["lake_duration"].measure(history(of=of, lake_tasks=kept(recorder, "lake_tasks")))
    assert isinstance(measured, Distribution)
    assert (measured.values.tolist(), measured.phases.tolist()) == ([400.0], ["drain"])
    said: list[str] = []
    report_event(ended, said.append)
    assert "promoted after 400.0 s" in said[0]


def test_tables_that_were_opened_say_that_no_query_was_measured(recorder: TaskRecorder) -> None:
    recorder.open()
    assert (recorder.history / "lake_scans").is_dir()


@pytest.mark.parametrize(("limit", "verdict"), [("min >= 70%", "PASS"), ("min >= 71%", "FAIL")])
def test_what_a_query_was_spared_is_held_against_the_scenarios_limit(
    recorder: TaskRecorder, limit: str, verdict: str
) -> None:
    recorder.note(SCANNED)
    of = scenario(
        Expectation(check="pruning", thresholds=(limit,)),
        pipeline=PipelineOptions(deploy=("stream", "lake")),
        lake=LakeStage(steps=(RunDays(days=(1,), scans=(1,)),)),
    )
    judgement = judge_history(history(of=of, lake_scans=kept(recorder, "lake_scans")), run_id="r")
    (finding,) = (finding for finding in judgement.findings if finding.name == "pruning")
    assert (finding.verdict, finding.observed) == (verdict, 70.0)


def test_a_process_is_told_which_days_to_measure_and_tells_people_what_it_found() -> None:
    job = LakeJob(endpoints=Path("e"), options=Path("o"), scans=(date(2026, 11, 20),))
    assert job.argv[-2:] == ["--scan", "2026-11-20"]
    said: list[str] = []
    report_event(SCANNED, said.append)
    assert said == [f"a query of {SCANNED.query} read 1 of 6 files, 300 of 1,000 bytes"]
