"""``floodmark quality``: show the data quality of a platform's days."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.text import Text

from harness.base.errors import InvalidInput, PlatformError, Problem
from harness.cli.output import OutputFormat, OutputOption, console, day, print_json, print_table
from harness.cli.platforms import EndpointsOption, platform_of
from harness.run.lake.job import not_deployed
from pipeline.base.endpoints import Endpoints
from pipeline.base.errors import NoSuchReport, NotDeployed, PipelineError
from pipeline.lake.objects import Objects
from pipeline.quality.day_report import DayReport, DayVerdict, from_json
from pipeline.quality.formatting import observed, ordered
from pipeline.quality.stored import StoredReport, fetch

_EXIT_CODES: Final[Mapping[DayVerdict, int]] = {"promoted": 0, "quarantined": 1, "not evaluated": 3}
_STYLES: Final[Mapping[DayVerdict, str]] = {
    "promoted": "green",
    "quarantined": "bold red",
    "not evaluated": "yellow",
}

DateOption = Annotated[datetime.date, typer.Option("--date", parser=day, help="The day, UTC.")]
FolderOption = Annotated[
    Path, typer.Option("--out", help="The folder into which the page is written.", file_okay=False)
]


def report(
    *,
    date: DateOption,
    out: FolderOption = Path("reports/quality"),
    endpoints: EndpointsOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> None:
    """Show the quality report of a day that has run, and write its page.

    Example: floodmark quality report --date 2026-11-20

    Exit codes: 0 the gates let the day through, 1 it is in quarantine, 2 it has no report, 3 its gates were
    not evaluated, 4 the platform could not be reached.
    """
    stored, found = _fetched(platform_of(endpoints, needs=("object_store",)), date)
    page = out / f"{found.day}.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_bytes(stored.page)
    if output is OutputFormat.JSON:
        print_json({**json.loads(stored.report), "page": str(page)})
    else:
        _show(found, page)
    raise typer.Exit(_EXIT_CODES[found.verdict])


def _fetched(endpoints: Endpoints, of: datetime.date) -> tuple[StoredReport, DayReport]:
    try:
        stored = fetch(of, Objects(endpoints.object_store))
        return stored, from_json(stored.report)
    except NoSuchReport as error:
        known = ", ".join(map(str, error.available)) or "none yet; `floodmark lake run` runs days"
        problem = Problem(where="--date", found=str(error.day), allowed=f"a day with a report: {known}")
        raise InvalidInput([problem]) from error
    except NotDeployed as error:
        raise not_deployed(str(error)) from error
    except PipelineError as error:
        raise PlatformError(f"the lake: {error}") from error


def _show(found: DayReport, page: Path) -> None:
    columns = ("table", "expectation", "result", "severity", "observed", "limit", "of")
    print_table(f"Quality of {found.day}", columns, _rows(found))
    for line in _further(found):
        console().print(Text(line), soft_wrap=True)
    console().print(Text(found.verdict.upper(), style=_STYLES[found.verdict]))
    console().print(Text(f"report: {page}"), soft_wrap=True)


def _rows(found: DayReport) -> Sequence[tuple[str, ...]]:
    return [
        (
            gate.table,
            outcome.rule,
            outcome.state.replace("_", " "),
            outcome.severity,
            observed(outcome),
            f"{outcome.limit} {outcome.unit}",
            outcome.subject,
        )
        for gate in found.gates
        for outcome in ordered(gate.outcomes)
    ]


def _further(found: DayReport) -> Iterator[str]:
    """Refused files, rejected rows and outliers, shown below the expectations."""
    for file in found.refused_files:
        yield f"refused {file.key}: {file.reason}"
    for reason, rows in found.rejects.items():
        yield f"rejected {rows:,} rows: {reason}"
    for of in found.outliers:
        if of.outliers:
            yield f"outliers: {of.outliers:,} of {of.values:,} values of {of.field} in {of.category}"
    if found.forest and found.forest.flagged:
        yield f"Isolation Forest: flags {found.forest.flagged:,} of {found.forest.events:,} events"
