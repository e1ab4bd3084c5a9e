"""``floodmark join``: lend this machine to a load that another machine runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from harness.base.errors import FloodmarkError
from harness.cli.output import Progress
from harness.load.join.command import join_argv, master_of


def join(
    master: Annotated[
        str, typer.Argument(metavar="HOST[:PORT]", help="The address the run listens on.", show_default=False)
    ],
) -> None:
    """Send a share of a load that another machine runs; `floodmark run --workers` there waits for this.

    Example: floodmark join loader-1:5557

    The run sends all settings and missing events, and receives what this worker recorded. One
    command is one process; several may join. Locust's protocol is neither authenticated nor encrypted: join
    only hosts and networks that you trust.

    Exit codes: 0 all sent and handed over, 2 the address was refused, 3 it ended with an error.
    """
    listens = master_of(master)
    folder = Path(tempfile.mkdtemp(prefix="floodmark-join-"))
    argv, env = join_argv(listens, folder)
    report = Progress()
    report(f"joining {listens.host}:{listens.port}; waiting for the run if it is not listening yet")
    code = subprocess.run(argv, env={**os.environ, **env}, check=False).returncode
    if code:
        raise FloodmarkError(
            f"this worker's part of the load ended with an error, see above; what it recorded is in {folder}"
        )
    shutil.rmtree(folder)
    report("all of this worker's share was sent, and its records are with the run")
