"""How a worker that joins from another machine is started: Locust's own command line."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from harness.load.workers.driver import LOCUSTFILE, python_path
from harness.load.workers.join_config import Listens

JOIN_VARIABLE: Final = "FLOODMARK_JOIN"
"""The environment variable that names the folder of a worker that joins."""


def join_argv(master: Listens, folder: Path) -> tuple[Sequence[str], dict[str, str]]:
    """The command and the environment of a worker that keeps what it records in this folder."""
    argv = [
        *(sys.executable, "-m", "locust", "--locustfile", str(LOCUSTFILE), "--worker"),
        *("--master-host", master.host, "--master-port", str(master.port)),
        "--only-summary",
    ]
    return argv, {JOIN_VARIABLE: str(folder), "PYTHONPATH": python_path()}
