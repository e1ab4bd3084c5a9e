"""``floodmark batch``: carry days of the batch layer out on a platform that runs."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer

from harness.batch.job import BatchJob, outcome_of, told
from harness.cli.output import OutputFormat, OutputOption, Progress, print_json, print_table
from harness.cli.platforms import EndpointsOption, platform_of
from harness.errors import InvalidInput, PlatformError, Problem
from harness.java_parts import with_batch_jar
from pipeline.batch.events import Event, parse
from pipeline.batch.task import TaskRecord
from pipeline.endpoints import Endpoints
from pipeline.options import PipelineOptions

_END_S: Final = 20.0
"""How long a process may take to end that was told to."""
_DATES: Final = ["%Y-%m-%d"]
_NEEDS: Final = ("kafka", "object_store", "spark")

DateOption = Annotated[
    list[datetime] | None,
    typer.Option("--date", formats=_DATES, help="A day to carry out, UTC; may be given several times."),
]
FromOption = Annotated[datetime, typer.Option("--from", formats=_DATES, help="The first day, UTC.")]
ToOption = Annotated[datetime, typer.Option("--to", formats=_DATES, help="The last day, UTC, inclusive.")]


def run(
    *,
    date: DateOption = None,
    endpoints: EndpointsOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> None:
    """Land what is new, then carry days out: Bronze, Silver and Gold, each behind its quality gate.

    Without --date, every day that has ended and is open: new ones, and those that late data has reopened.
    A day that is carried out again is replaced, and comes out the same if nothing new came. Each day gets a
    quality report, whatever became of it: see `floodmark quality report`.

    Example: floodmark batch run --date 2026-11-20

    Exit codes: 0 every day was promoted, 1 some day is in quarantine, 2 a date was refused, 3 another writer
    holds a table, 4 the platform could not be reached, 130 interrupted.
    """
    days = sorted({moment.date() for moment in date or []})
    _require_ended(days, "--date")
    _carry_out(platform_of(endpoints, needs=_NEEDS), days, output)


def backfill(
    *,
    first: FromOption,
    last: ToOption,
    endpoints: EndpointsOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> None:
    """Carry a range of days out again, whatever was done before.

    Example: floodmark batch backfill --from 2026-11-14 --to 2026-11-20

    Exit codes: as of `floodmark batch run`.
    """
    days = _range(first.date(), last.date())
    _require_ended(days, "--to")
    _carry_out(platform_of(endpoints, needs=_NEEDS), days, output)


def _range(first: date, last: date) -> Sequence[date]:
    if last < first:
        raise InvalidInput([Problem(where="--to", found=str(last), allowed=f"{first} (--from) or later")])
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _require_ended(days: Sequence[date], option: str) -> None:
    today = datetime.now(UTC).date()
    allowed = f"a day before {today}, UTC"
    late = [Problem(where=option, found=str(day), allowed=allowed) for day in days if day >= today]
    if late:
        raise InvalidInput(late)


def _carry_out(endpoints: Endpoints, days: Sequence[date], output: OutputFormat) -> None:
    report = Progress()
    with tempfile.TemporaryDirectory(prefix="floodmark-batch-") as folder:
        options = Path(folder, "pipeline.json")
        PipelineOptions(deploy="lambda").save(options)
        with_jar = Path(folder, "endpoints.json")
        with_batch_jar(endpoints, report=report).save(with_jar)
        job = BatchJob(endpoints=with_jar, options=options, days=tuple(days))
        events: list[Event] = []
        with _process(job) as process:
            for line in process.stdout or ():
                events.append(parse(line))
                told(events[-1], report)
        records = outcome_of(events)
        if process.returncode:
            raise PlatformError(f"the batch process ended with {process.returncode}; what it said is above")
    _show(records, output)
    raise typer.Exit(0 if all(record.result.outcome == "promoted" for record in records) else 1)


@contextmanager
def _process(job: BatchJob) -> Iterator[subprocess.Popen[str]]:
    """The process; it ends with this command, whatever happens to it."""
    process = subprocess.Popen(job.argv, stdout=subprocess.PIPE, text=True)
    try:
        yield process
        process.wait()
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(_END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _show(records: Sequence[TaskRecord], output: OutputFormat) -> None:
    if output is OutputFormat.JSON:
        print_json({"tasks": [record.model_dump(mode="json") for record in records]})
        return
    columns = ("task", "day", "outcome", "rows", "rejects", "CPU s", "gate")
    print_table("Batch", columns, [_row(record) for record in records])


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
