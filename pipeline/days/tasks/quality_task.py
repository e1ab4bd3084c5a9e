"""The quality task: reports what a day's gates found, what was refused and rejected, and outliers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from pipeline.days.tables.delta_tables import SILVER_EVENTS
from pipeline.days.tasks import bronze_task, gold_task, silver_task
from pipeline.days.tasks.context import Context
from pipeline.days.tasks.task import Input, Output, TaskResult
from pipeline.quality.day_report import DayReport, to_json
from pipeline.quality.forest import Forest, grow
from pipeline.quality.outliers import Outliers, outliers
from pipeline.quality.report_page import render
from pipeline.quality.sample import sample
from pipeline.quality.stored import StoredReport, folder_of, keep

NAME = "quality"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Study:
    """Statistics of the day's Silver, promoted or in quarantine."""

    sample: str
    outliers: tuple[Outliers, ...]
    forest: Forest


def quality_of(context: Context, day: date) -> TaskResult:
    """Replace the day's report, covering the layers that the day reached. Never keeps a day back."""
    results = _results(context, day)
    silver = results.get(silver_task.NAME)
    written = silver.outputs[0] if silver else None
    study = _study(context, written, day) if written else None
    report = _report(context, day, results, study)
    keep(
        StoredReport(
            report=to_json(report),
            page=render(report).encode(),
            model=study.forest.model if study else b"",
            scores=study.forest.scores if study and study.forest.model else b"",
        ),
        day,
        context.objects,
    )
    return TaskResult(
        outcome="promoted",
        inputs=(Input(name=written.table, version=str(written.version)),) if written else (),
        counts={"read": written.rows if written else 0},
        notes=(f"the day's report is {folder_of(day)}report.html: {report.verdict}", *_notes(report)),
    )


def _results(context: Context, day: date) -> Mapping[str, TaskResult]:
    """Return the results of the layers that the day reached; after a failed gate no task starts."""
    names = (bronze_task.NAME, silver_task.NAME, gold_task.NAME)
    records = {name: context.records.last(name, day) for name in names}
    return {
        name: record.result
        for name, record in records.items()
        if record is not None and record.result.outcome != "held_back"
    }


def _study(context: Context, written: Output, day: date) -> _Study:
    table = SILVER_EVENTS if written.table == SILVER_EVENTS.name else SILVER_EVENTS.quarantine
    # Seeded by the day, so that a rerun reports the same.
    seed = day.toordinal()
    drawn = sample(context.read_day(table, written.version, day), seed=seed, rows=written.rows)
    return _Study(sample=drawn.description, outliers=outliers(drawn), forest=grow(drawn, seed=seed))


def _report(
    context: Context, day: date, results: Mapping[str, TaskResult], study: _Study | None
) -> DayReport:
    bronze, silver = results.get(bronze_task.NAME), results.get(silver_task.NAME)
    before = context.trailing(silver_task.NAME, day)
    daily_rows = {earlier: r.result.rows_in(SILVER_EVENTS.name) for earlier, r in before.items()}
    if silver:
        daily_rows[day] = silver.outputs[0].rows
    return DayReport(
        day=day,
        gates=tuple(gate for result in results.values() for gate in result.gates),
        daily_rows=daily_rows,
        refused_files=bronze.refused_files if bronze else (),
        rejects=silver.rejects if silver else {},
        sample=study.sample if study else "",
        outliers=study.outliers if study else (),
        forest=study.forest.summary if study else None,
    )


def _notes(report: DayReport) -> tuple[str, ...]:
    found = sum(of.outliers or 0 for of in report.outliers)
    flagged = report.forest.flagged if report.forest else None
    notes = []
    if found:
        notes.append(f"{found:,} values are far from what is usual in their category")
    if flagged:
        notes.append(f"the Isolation Forest flags {flagged:,} events")
    return tuple(notes)
