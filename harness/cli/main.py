"""The ``floodmark`` command: its commands, and how their errors become exit codes."""

from __future__ import annotations

import faulthandler
import functools
import importlib
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import typer
from rich.text import Text

from harness.base.errors import FloodmarkError, InvalidInput, Problem
from harness.cli.output import OutputFormat, console, print_error, print_failure, printable, requested_output

USAGE, INCONCLUSIVE, INTERRUPTED = 2, 3, 130


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command: its function, imported only when the command is run."""

    module: str
    function: str
    summary: str

    def load(self) -> Callable[..., None]:
        """Import the function. An import error affects only this command."""
        function: Callable[..., None] = getattr(importlib.import_module(self.module), self.function)
        return function


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Commands that share their first word."""

    commands: Mapping[str, Command]
    summary: str


def _command(
    name: str, summary: str, function: str | None = None, module: str | None = None
) -> tuple[str, Command]:
    return name, Command(module=f"harness.cli.{module or name}", function=function or name, summary=summary)


def _group(name: str, summary: str, *commands: tuple[str, Command]) -> tuple[str, Group]:
    return name, Group(commands=MappingProxyType(dict(commands)), summary=summary)


COMMANDS: Final[Mapping[str, Command | Group]] = MappingProxyType(
    dict(
        [
            _command("run", "Run a scenario: start, flood, break and judge."),
            _command("join", "Lend this machine to a load that another runs."),
            _command("validate", "Check scenarios; list every problem."),
            _command("doctor", "Show what this machine lacks, and how to fix it."),
            _command("up", "Start a topology and leave it running."),
            _command("down", "Stop running platforms, and clean up leftovers."),
            _command("status", "Show the nodes that run, endpoints and memory."),
            _command("judge", "Judge a recorded run again."),
            _command("report", "Render the HTML report of a recorded run."),
            _group(
                "lake",
                "Run days of the lake on a running platform.",
                _command("deploy", "Create missing topics, and the lake.", module="lake_deploy"),
                _command("run", "Land new data, and run days.", module="lake"),
                _command("backfill", "Run a range of days again.", module="lake"),
                _command("care", "Maintain the files of tables.", module="care"),
                _command("lifecycle", "Move old data into the archive.", module="lifecycle"),
                _command("restore", "Restore a day from the archive.", module="restore"),
            ),
            _group(
                "quality",
                "Show the data quality of a platform's days.",
                _command("report", "Show a day's quality report, and write its page.", module="quality"),
            ),
            _command("list", "List services, faults, checks and profiles.", "list_parts"),
        ]
    )
)


def main() -> None:
    """Entry point of the console command."""
    # If a native library crashes the process, this at least prints where.
    faulthandler.enable()
    sys.exit(invoke(sys.argv[1:]))


_RENAMED: Final[Mapping[str, str]] = MappingProxyType({"batch": "lake"})


def invoke(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code (README.md)."""
    if not arguments:
        invoke(["--help"])
        return USAGE
    output = requested_output(arguments)
    try:
        _refuse_renamed(arguments)
        result = _app(arguments)(list(arguments), prog_name="floodmark", standalone_mode=False)
    except FloodmarkError as error:
        print_error(error, output)
        return error.exit_code
    except typer.TyperException as refused:
        _print_refused(refused, output)
        return USAGE
    except (KeyboardInterrupt, typer.Abort):  # the first one while a command is imported
        console().print("interrupted")
        print_failure("Interrupted", "interrupted", INTERRUPTED, output)
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 -- any other exception is a bug, shown in full
        traceback.print_exc()
        console().print("This is a bug in floodmark. Nothing was judged.")
        print_failure(type(error).__name__, str(error), INCONCLUSIVE, output)
        return INCONCLUSIVE
    return result if isinstance(result, int) else 0


def _refuse_renamed(arguments: Sequence[str]) -> None:
    """Raise InvalidInput for a renamed command."""
    asked = next((word for word in arguments if not word.startswith("-")), "")
    if asked in _RENAMED:
        allowed = f"{_RENAMED[asked]}, as it is called now"
        raise InvalidInput([Problem(where="floodmark", found=asked, allowed=allowed)])


def _print_refused(refused: typer.TyperException, output: OutputFormat) -> None:
    """Report an invalid command line."""
    context = getattr(refused, "ctx", None)
    command = context.command_path if context else "floodmark"
    message = printable(refused.format_message())
    console().print(Text(f"error: {message}\nSee: {command} --help"), soft_wrap=True)
    problem = Problem(where=command, found=message, allowed=f"what `{command} --help` lists")
    print_failure("UsageError", message, USAGE, output, problems=[problem])


def _app(arguments: Sequence[str]) -> typer.Typer:
    """An application with the requested command loaded; the others are only listed.

    Importing every command to print a list would take seconds, and one broken module would break them all.
    """
    about = "Floods a data platform with real traffic, breaks it on purpose, and reports whether it held."
    return _filled(about, COMMANDS, [word for word in arguments if not word.startswith("-")])


def _filled(about: str, commands: Mapping[str, Command | Group], words: Sequence[str]) -> typer.Typer:
    """The commands; the first word selects the one to load."""
    app = typer.Typer(help=about, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.callback()(lambda: None)  # otherwise a single command would consume its own name
    asked, further = (words[0], words[1:]) if words else ("", ())
    for name, entry in commands.items():
        if isinstance(entry, Group):
            app.add_typer(_filled(entry.summary, entry.commands, further if name == asked else ()), name=name)
        elif name == asked:
            function = entry.load()
            app.command(name, epilog=_example(name, function))(_interruptible(function))
        else:
            app.command(name, help=entry.summary)(_listed_only)
    return app


def _example(name: str, function: Callable[..., None]) -> str | None:
    """Every command's help has an example; a command without arguments gets a default one."""
    return None if "Example:" in (function.__doc__ or "") else f"Example: floodmark {name}"


def _listed_only() -> None:
    raise AssertionError("a command that was not requested was run")


def _interruptible(function: Callable[..., None]) -> Callable[..., None]:
    """Wrap a command: Typer would treat KeyboardInterrupt as an exit already reported."""

    @functools.wraps(function)
    def interruptible(*args: Any, **kwargs: Any) -> None:
        try:
            function(*args, **kwargs)
        except KeyboardInterrupt as error:
            raise typer.Abort from error

    return interruptible
