"""What every command shares: its options, and how it speaks to people (stderr) and to programs (stdout)."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import orjson
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.errors import FloodmarkError, InvalidInput

_WIDTH_OF_LOGS: Final = 160


class OutputFormat(StrEnum):
    """``text`` is for people; ``json`` prints one JSON object on standard output and nothing else there."""

    TEXT = "text"
    JSON = "json"


OutputOption = Annotated[
    OutputFormat,
    typer.Option("--output", help="json prints one JSON object on standard output and nothing else there."),
]
SeedOption = Annotated[
    int | None, typer.Option("--seed", min=0, max=2**32 - 1, help="Replaces the scenario's seed.")
]
BackendOption = Annotated[str, typer.Option("--backend", help="Where the nodes live: process.")]
OutOption = Annotated[
    Path, typer.Option("--out", help="The folder in which each run gets its own folder.", file_okay=False)
]


def console() -> Console:
    """The console for people: standard error, which leaves standard output to ``--output json``.

    A log file or a CI has no width of its own; tables get one in which they can be read.
    """
    return Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else _WIDTH_OF_LOGS)


class Progress:
    """A ``Report`` that writes each message on a line of its own, after the seconds since it began."""

    def __init__(self, target: Console | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = target or console()
        self._clock = clock
        self._began_s = clock()

    def __call__(self, message: str) -> None:
        """Write one line of progress."""
        elapsed = Text(f"{self._clock() - self._began_s:7.1f} s  ", style="dim")
        self._console.print(elapsed.append(message, style="default"))


def print_json(payload: Mapping[str, object]) -> None:
    """Write the one JSON object of ``--output json``. NaN and infinity become null, as JSON has neither."""
    sys.stdout.write(orjson.dumps(payload, option=orjson.OPT_INDENT_2, default=str).decode() + "\n")
    sys.stdout.flush()


def print_table(title: str, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Write a table for people. Cells are plain text: brackets in them are not markup."""
    table = Table(title=title, title_justify="left", title_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console().print(table)


def print_error(error: FloodmarkError, output: OutputFormat = OutputFormat.TEXT) -> None:
    """Say what was refused or failed: on standard error, and as the JSON object where one was asked for."""
    console().print(Text("error: ", style="bold red").append(str(error), style="default"), soft_wrap=True)
    if output is OutputFormat.JSON:
        print_json({"error": error_object(error), "exit_code": error.exit_code})


def error_object(error: FloodmarkError) -> dict[str, object]:
    """The error as JSON: its kind, its message, and for refused input every problem."""
    body: dict[str, object] = {"kind": type(error).__name__, "message": str(error)}
    if isinstance(error, InvalidInput):
        body["problems"] = [
            {"where": problem.where, "found": problem.found, "allowed": problem.allowed}
            for problem in error.problems
        ]
    return body
