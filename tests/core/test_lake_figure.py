"""The figure of the lake's tasks, and what the other figures leave to it."""

from __future__ import annotations

from harness.history.course import PhaseLine
from harness.history.reader import History
from harness.layers.lake import tasks
from harness.scenario.lake_steps import LakeStage, RunDays
from reports.figures import figures
from reports.timeline import extent_ns
from tests.core.histories import PHASES, SECOND_NS, history
from tests.core.lake_histories import DAY, LAMBDA, task

STAGE = LakeStage(steps=(RunDays(days=(1,)),))
LAKE_PHASE = PhaseLine(at_ns=61 * SECOND_NS, phase="lake")
DONE = PhaseLine(at_ns=300 * SECOND_NS, phase="done")


def with_lake() -> History:
    tasks = [task("land", event_date=None), task("bronze"), task("silver", outcome="quarantined")]
    staged = LAMBDA.model_copy(update={"lake": STAGE})
    return history(of=staged, phases=(*PHASES, LAKE_PHASE, DONE), lake_tasks=tasks)


def test_each_day_has_a_row_and_what_was_not_promoted_is_marked() -> None:
    bars = tasks(with_lake())
    assert [(bar.row, bar.name, bar.marked) for bar in bars] == [
        ("every day", "land", False),
        (str(DAY), "bronze", False),
        (str(DAY), "silver", True),
    ]
    assert all(bar.end_s - bar.begin_s == 2.0 for bar in bars)


def test_the_stream_s_figures_end_where_the_lake_stage_begins() -> None:
    run = with_lake()
    assert extent_ns(run, "stream") == (0, 61 * SECOND_NS)
    assert extent_ns(run, "lake") == (61 * SECOND_NS, 300 * SECOND_NS)
    assert extent_ns(run, "whole") == (0, 300 * SECOND_NS)


def test_only_a_run_with_a_lake_stage_has_a_figure_of_it() -> None:
    with_stage = {figure.title: figure.svg for figure in figures(with_lake())}
    assert str(DAY) in with_stage["Lake"]
    assert "Lake" not in {figure.title for figure in figures(history(of=LAMBDA))}
