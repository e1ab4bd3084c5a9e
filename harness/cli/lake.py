"""``floodmark lake``: run days of the lake on a running platform."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer

from harness.base.errors import InvalidInput, Problem
from harness.cli.lake_process import run_job
from harness.cli.output import OutputFormat, OutputOption, Progress, day, print_json, print_table
from harness.cli.platforms import EndpointsOption, platform_of
from harness.run.lake.job import LakeJob, outcome_of
from pipeline.base.endpoints import Endpoints
from pipeline.days.tasks.task import TaskRecord

_NEEDS: Final = ("kafka", "object_store", "spark")

DateOption = Annotated[
    list[date] | None,
    typer.Option("--date", parser=day, help="A day to run, UTC; may be given several times."),
]
FromOption = Annotated[date, typer.Option("--from", parser=day, help="The first day, UTC.")]
ToOption = Annotated[date, typer.Option("--to", parser=day, help="The last day, UTC, inclusive.")]


def run(
    *,
    date: DateOption = None,
    endpoints: EndpointsOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> None:
    """Land new data, then run days: Bronze, Silver and Gold, each followed by its quality gate.

    Without --date, runs every day that has ended and is open: new days, and days that late data reopened.
    A rerun replaces the day, with the same result if nothing new has arrived. Each day gets a quality report,
    whatever its outcome: see `floodmark quality report`.

    Example: floodmark lake run --date 2026-11-20

    Exit codes: 0 every day was promoted, 1 some day is in quarantine, 2 a date was refused, 3 another writer
    holds a table, 4 the platform could not be reached, 130 interrupted.
    """
    days = sorted(set(date or []))
    _require_ended(days, "--date")
    _run_days(platform_of(endpoints, needs=_NEEDS), days, output)


def backfill(
    *,
    first: FromOption,
    last: ToOption,
    endpoints: EndpointsOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> None:
    """Run a range of days again, whatever was done before.

    Example: floodmark lake backfill --from 2026-11-14 --to 2026-11-20

    Exit codes: as of `floodmark lake run`.
    """
    days = _range(first, last)
    _require_ended(days[-1:], "--to")
    _run_days(platform_of(endpoints, needs=_NEEDS), days, output)


def _range(first: date, last: date) -> Sequence[date]:
    if last < first:
        raise InvalidInput([Problem(where="--to", found=str(last), allowed=f"{first} (--from) or later")])
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _require_ended(days: Sequence[date], option: str) -> None:
    today = datetime.now(UTC).date()
    allowed = f"a day before {today}, UTC"
    late = [Problem(where=option, found=str(late), allowed=allowed) for late in days if late >= today]
    if late:
        raise InvalidInput(late)


def _run_days(endpoints: Endpoints, days: Sequence[date], output: OutputFormat) -> None:
    def job(with_jar: Path, options: Path) -> LakeJob:
        return LakeJob(endpoints=with_jar, options=options, days=tuple(days))

    records = outcome_of(run_job(endpoints, _NEEDS, job, report=Progress()))
    _show(records, output)
    raise typer.Exit(0 if all(record.result.outcome == "promoted" for record in records) else 1)


def _show(records: Sequence[TaskRecord], output: OutputFormat) -> None:
    if output is OutputFormat.JSON:
        print_json({"tasks": [record.model_dump(mode="json") for record in records]})
        return
    columns = ("task", "day", "outcome", "rows", "rejects", "CPU s", "gate")
    print_table("Tasks", columns, [_row(record) for record in records])


def _row(record: TaskRecord) -> tuple[str, ...]:
    result = record.result
    failed = f"failed: {', '.join(result.gate.failed)}" if result.gate and result.gate.failed else ""
    return (
        record.task,
        str(record.day or ""),
        result.outcome.replace("_", " "),
        f"{sum(written.rows for written in result.outputs):,}",
        f"{sum(result.rejects.values()):,}",
        f"{record.cpu_s:.1f}",
        failed or ("passed" if result.gate else ""),
    )
