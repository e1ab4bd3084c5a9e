"""Finds a command's recorded run: by folder, by id, or the last one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from harness.base.errors import InvalidInput, Problem
from harness.base.files import is_file

LAST: Final = "last"

RunArgument = Annotated[
    str,
    typer.Argument(
        help="The run's id or folder; last is the newest one.", metavar="[RUN]", show_default=True
    ),
]


def find_run(run: str, out: Path) -> Path:
    """The folder of a recorded run. Raises InvalidInput that lists the newest runs."""
    runs = sorted((path for path in out.glob("*--*") if _is_run(path)), key=_age)
    if run == LAST and runs:
        return _without_pipes(runs[-1])
    for folder in (out / run, Path(run)):
        if run != LAST and _is_run(folder):
            return _without_pipes(folder)
    newest = ", ".join(path.name for path in runs[-5:]) or f"none is recorded in {out}"
    raise InvalidInput([Problem(where="RUN", found=run, allowed=f"the id or folder of a run: {newest}")])


def _without_pipes(run: Path) -> Path:
    """Return the run, or refuse one with pipes, on which a read would block: no run records a pipe."""
    pipes = [path for path in (*run.glob("*"), *run.glob("history/**/*")) if path.is_fifo()]
    if pipes:
        raise InvalidInput([Problem(where=str(path), found="a pipe", allowed="a file") for path in pipes])
    return run


def _is_run(folder: Path) -> bool:
    return is_file(folder / "scenario.json")


def _age(folder: Path) -> tuple[str, int]:
    """Runs are numbered within their day: ``2026-05-09--10`` is newer than ``2026-05-09--9``."""
    day, _, number = folder.name.rpartition("--")
    return day, int(number) if number.isdigit() else -1
