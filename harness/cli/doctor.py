"""``floodmark doctor``: what this machine lacks, and the exact command to fix it."""

from __future__ import annotations

from dataclasses import asdict

import typer

from harness.base.errors import PlatformError
from harness.cli.output import OutputFormat, OutputOption, console, print_json, print_table
from harness.doctor.machine import read_machine
from harness.doctor.requirements import Requirement, examine


def doctor(output: OutputOption = OutputFormat.TEXT) -> None:
    """Show what this machine lacks, and how to fix it. Exit code 4 if something required is missing."""
    requirements = examine(read_machine())
    lacking = [one for one in requirements if one.state == "missing"]
    if output is OutputFormat.JSON:
        print_json({"fit": not lacking, "requirements": [_row(one) for one in requirements]})
    else:
        _show(requirements)
    if lacking:
        raise typer.Exit(PlatformError.exit_code)


def _row(requirement: Requirement) -> dict[str, str]:
    row = asdict(requirement)
    del row["package"]
    return row


def _show(requirements: tuple[Requirement, ...]) -> None:
    print_table(
        "This machine",
        ("need", "state", "wanted", "found"),
        ((one.name, one.state, one.wanted, one.found) for one in requirements),
    )
    for one in requirements:
        if one.fix:
            console().print(f"{one.name}: {one.fix}", markup=False, soft_wrap=True)
    if all(one.state == "ok" for one in requirements):
        console().print("Nothing is missing.")
