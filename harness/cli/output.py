"""Shared by all commands: options, and output for people (stderr) and for programs (stdout)."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from enum import StrEnum
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Annotated, Final

import orjson
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.backends.registry import BACKENDS
from harness.base.errors import FloodmarkError, InvalidInput, Problem

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
BackendOption = Annotated[
    str, typer.Option("--backend", help=f"Where the nodes live: {', '.join(BACKENDS)}.")
]
OutOption = Annotated[
    Path, typer.Option("--out", help="The folder in which each run gets its own folder.", file_okay=False)
]


def day(text: str) -> date:
    """Parse a date. Raises BadParameter, which refuses the option."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"found {text}; allowed: a date such as 2026-11-20 ({error})") from error


def console() -> Console:
    """The console for people: standard error, which leaves standard output to ``--output json``.

    A log file or CI has no width of its own, so tables get a readable one.
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


def requested_output(arguments: Sequence[str]) -> OutputFormat:
    """The output format that a command line requests, even if the rest of it is invalid.

    An unknown or missing value means JSON: only a program would ask for anything but text.
    """
    options = takewhile(lambda argument: argument != "--", arguments)
    words = [word for argument in options for word in argument.split("=", 1)]
    chosen = [after for word, after in pairwise([*words, ""]) if word == "--output"]
    return OutputFormat.TEXT if not chosen or chosen[-1] == OutputFormat.TEXT else OutputFormat.JSON


def print_json(payload: Mapping[str, object]) -> None:
    """Write the one JSON object of ``--output json``. NaN and infinity become null, as JSON has neither."""
    sys.stdout.write(orjson.dumps(payload, option=orjson.OPT_INDENT_2, default=str).decode() + "\n")
    sys.stdout.flush()


def printable(text: str) -> str:
    """Escape what is not valid Unicode, such as in file names."""
    return text.encode(errors="backslashreplace").decode()


def print_table(title: str, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Write a table for people. Cells are plain text: brackets in them are not markup."""
    table = Table(title=title, title_justify="left", title_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console().print(table)


def print_error(error: FloodmarkError, output: OutputFormat = OutputFormat.TEXT) -> None:
    """Print an error on standard error, and as the JSON object if requested."""
    line = Text("error: ", style="bold red").append(printable(str(error)), style="default")
    console().print(line, soft_wrap=True)
    problems = error.problems if isinstance(error, InvalidInput) else None
    print_failure(type(error).__name__, str(error), error.exit_code, output, problems=problems)


def print_failure(
    kind: str,
    message: str,
    exit_code: int,
    output: OutputFormat,
    *,
    problems: Sequence[Problem] | None = None,
) -> None:
    """Write a command's failure as the one JSON object, if requested."""
    if output is not OutputFormat.JSON:
        return
    error: dict[str, object] = {"kind": kind, "message": printable(message)}
    if problems is not None:
        error["problems"] = [
            {name: printable(text) for name, text in asdict(problem).items()} for problem in problems
        ]
    print_json({"error": error, "exit_code": exit_code})
