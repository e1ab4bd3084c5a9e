"""The figure of the batch layer's tasks, and what the other figures leave to it."""

from __future__ import annotations

from harness.batch.steps import BatchStage, RunDays
from harness.history.course import PhaseLine
from harness.history.reader import History
from reports.figures import figures
from reports.plots import Timeline
from reports.series import batch_tasks
from tests.core.batch_histories import DAY, LAMBDA, task
from tests.core.histories import PHASES, SECOND_NS, history

STAGE = BatchStage(steps=(RunDays(days=(1,)),))
BATCH = PhaseLine(at_ns=61 * SECOND_NS, phase="batch")
DONE = PhaseLine(at_ns=300 * SECOND_NS, phase="done")


def batched() -> History:
    tasks = [task("land", event_date=None), task("bronze"), task("silver", outcome="quarantined")]
    staged = LAMBDA.model_copy(update={"batch": STAGE})
    return history(of=staged, phases=(*PHASES, BATCH, DONE), batch_tasks=tasks)


def test_each_day_has_a_row_and_what_was_not_promoted_is_marked() -> None:
    bars = batch_tasks(batched())
    assert [(bar.row, bar.name, bar.marked) for bar in bars] == [
        ("every day", "land", False),
        (str(DAY), "bronze", False),
        (str(DAY), "silver", True),
    ]
    assert all(bar.end_s - bar.begin_s == 2.0 for bar in bars)


def test_the_stream_s_figures_end_where_the_batch_stage_begins() -> None:
    run = batched()
    assert Timeline(run, "", "stream").extent_s == (0.0, 61.0)
    assert Timeline(run, "", "batch").extent_s == (61.0, 300.0)
    assert Timeline(run, "", "whole").extent_s == (0.0, 300.0)


def test_only_a_run_with_a_batch_stage_has_a_figure_of_it() -> None:
    with_stage = {figure.title: figure.svg for figure in figures(batched())}
    assert str(DAY) in with_stage["Batch"]
    assert "Batch" not in {figure.title for figure in figures(history(of=LAMBDA))}
