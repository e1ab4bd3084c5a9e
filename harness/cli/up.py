"""``floodmark up``: start a topology and leave it running."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Annotated

import typer

from harness.backends.process import ProcessBackend
from harness.backends.process.instance import state_dir
from harness.cli.output import OutputFormat, OutputOption, Progress, print_json
from harness.cli.status import describe, show
from harness.validate.topology_file import load_topology


def up(
    topology: Annotated[str, typer.Argument(help="A topology's name, or its YAML file.", show_default=False)],
    data: Annotated[
        Path | None, typer.Option("--data", help="Where the nodes' data goes, until `floodmark down`.")
    ] = None,
    output: OutputOption = OutputFormat.TEXT,
) -> None:
    """Start a topology and leave it running until `floodmark down`.

    Example: floodmark up quickstart

    Exit codes: 0 everything works, 2 the topology was refused, 4 the platform would not start.
    """
    loaded = load_topology(topology)
    report = Progress()
    logs = state_dir() / "logs" / f"{loaded.name}-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
    platform = ProcessBackend().up(loaded, data_dir=data or state_dir() / "data", log_dir=logs, report=report)
    platform.endpoints.save(platform.instance.endpoints_file)
    platform.detach()
    described = describe(platform.instance, platform.status())
    if output is OutputFormat.JSON:
        print_json(described)
    else:
        show([described])
        report("it runs until `floodmark down`")
