"""``floodmark lake care``: maintain the files of the lake's tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from harness.base.errors import InvalidInput, Problem
from harness.base.typed import suggestion
from harness.cli.lake_process import run_job
from harness.cli.output import OutputFormat, OutputOption, Progress, print_json, print_table
from harness.cli.platforms import EndpointsOption, platform_of
from harness.run.lake.job import CareJob
from pipeline.days.tables.delta_tables import TABLES
from pipeline.days.tasks.job_events import Cared

_NEEDS: Final = ("object_store", "spark")
_COLUMNS: Final = (
    "table",
    "files before",
    "after",
    "bytes before",
    "after",
    "rewritten",
    "deleted",
    "bytes deleted",
)

TableOption = Annotated[
    list[str] | None,
    typer.Option("--table", help="A table, such as silver/events; may be repeated.  [default: all]"),
]
SinceOption = Annotated[
    datetime | None,
    typer.Option("--since", formats=["%Y-%m-%d"], help="Rewrite only this day and later ones, UTC."),
]
ClusterOption = Annotated[
    bool,
    typer.Option("--cluster", help="Also cluster the rows of each entity; rewrites every file of the days."),
]


def care(
    *,
    table: TableOption = None,
    since: SinceOption = None,
    cluster: ClusterOption = False,
    endpoints: EndpointsOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> None:
    """Merge the small files of tables, and delete files that no version of the last week needs.

    The rows of a table stay the same. Rewritten files keep their Bloom filters and statistics. A table's
    quarantine is maintained with it.

    Example: floodmark lake care --table silver/events --since 2026-11-01

    Exit codes: 0 done, 2 an option was refused, 3 another writer holds a table, 4 the platform could not be
    reached, 130 interrupted.
    """
    tables = _known(table or [])

    def job(with_jar: Path, options: Path) -> CareJob:
        day: date | None = since.date() if since else None
        return CareJob(endpoints=with_jar, options=options, tables=tables, since=day, clustered=cluster)

    events = run_job(platform_of(endpoints, needs=_NEEDS), _NEEDS, job, report=Progress())
    cared = [event for event in events if isinstance(event, Cared)]
    if output is OutputFormat.JSON:
        print_json({"tables": [event.model_dump(exclude={"kind"}) for event in cared]})
    else:
        print_table("Care for tables", _COLUMNS, [_row(event) for event in cared])


def _known(names: Sequence[str]) -> tuple[str, ...]:
    known = [table.name for table in TABLES]
    problems = [
        Problem(where="--table", found=name, allowed=suggestion(name, known))
        for name in names
        if name not in known
    ]
    if problems:
        raise InvalidInput(problems)
    return tuple(dict.fromkeys(names))


def _row(cared: Cared) -> tuple[str, ...]:
    counts = (
        *(cared.files_before, cared.files_after, cared.bytes_before, cared.bytes_after),
        *(cared.files_rewritten, cared.files_deleted, cared.bytes_deleted),
    )
    return cared.table, *(f"{count:,}" for count in counts)
