"""``floodmark up``: start a topology and leave it running."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Annotated

import typer

from harness.backends.instance import state_dir
from harness.backends.registry import DEFAULT_BACKEND, backend_of
from harness.cli.output import BackendOption, OutputFormat, OutputOption, Progress, print_json
from harness.cli.status import describe, show
from harness.validate.topology_file import load_topology


def up(
    topology: Annotated[str, typer.Argument(help="A topology's name, or its YAML file.", show_default=False)],
    *,
    backend: BackendOption = DEFAULT_BACKEND,
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder for the nodes' data, until `floodmark down`.")
    ] = None,
    output: OutputOption = OutputFormat.TEXT,
) -> None:
    """Start a topology and leave it running until `floodmark down`.

    Example: floodmark up quickstart

    Exit codes: 0 everything works, 2 the topology was refused, 4 the platform would not start.
    """
    loaded, chosen = load_topology(topology), backend_of(backend)
    report = Progress()
    logs = state_dir() / "logs" / f"{loaded.name}-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
    platform = chosen.up(loaded, data_dir=data or state_dir() / "data", log_dir=logs, report=report)
    platform.detach()
    with chosen.attach(platform.id) as attached:
        described = describe(attached)
    if output is OutputFormat.JSON:
        print_json(described)
    else:
        show([described])
        report("it runs until `floodmark down`")
