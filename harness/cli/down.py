"""``floodmark down``: stop running platforms, and clean up after earlier runs."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.backends.instance import Instance
from harness.backends.registry import attach, running
from harness.base.errors import InvalidInput, Problem
from harness.cli.output import OutputFormat, OutputOption, Progress, print_json


def down(
    instance: Annotated[
        str | None, typer.Argument(help="Only this one, as `floodmark status` names it.", show_default=False)
    ] = None,
    output: OutputOption = OutputFormat.TEXT,
) -> None:
    """Stop what `floodmark up` started, and clean up after earlier runs.

    A platform in use by a running command is left alone unless it is named.

    Example: floodmark down
    """
    report = Progress()
    known = {one.id: one for one in running()}
    if instance is not None and instance not in known:
        raise InvalidInput([Problem(where="INSTANCE", found=instance, allowed=", ".join(known) or "none")])
    ended, kept = [], []
    for one in known.values() if instance is None else [known[instance]]:
        with attach(one) as attached:
            if instance is None and attached.state == "in use":
                report(_in_use(one))
                kept.append(one.id)
                continue
            report(f"stopping {one.id}")
            attached.down(report)
            ended.append(one.id)
    if not ended and not kept:
        report("nothing is running, and there is nothing to clean up")
    if output is OutputFormat.JSON:
        print_json({"ended": ended, "in_use": kept})


def _in_use(one: Instance) -> str:
    return f"{one.id} is in use by process {one.owner_pid}; `floodmark down {one.id}` stops it anyway"
