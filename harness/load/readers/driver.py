"""How the runner starts the readers: Locust's own command line with their locustfile."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from harness.load.readers.config import CONFIG_VARIABLE, ReadersConfig
from harness.load.workers.driver import LOAD_LEAD_S, python_path

_LOCUSTFILE: Final = Path(__file__).parents[1] / "locust" / "readers_locustfile.py"
_SLACK_S: Final = 60.0


def readers_longest_s(config: ReadersConfig) -> float:
    """How long readers may take from their start: with the waits before and after, nothing runs longer."""
    return LOAD_LEAD_S + config.duration_s + config.timeout_s + _SLACK_S


def readers_argv(config_file: Path, config: ReadersConfig) -> tuple[Sequence[str], dict[str, str]]:
    """The command and the environment for ``Platform.spawn("readers", ...)``; writes ``config_file``.

    The readers end by themselves when the last request was answered, a little after the load's duration.
    """
    config.save(config_file)
    users = str(config.in_flight)
    argv = [
        *(sys.executable, "-m", "locust", "--locustfile", str(_LOCUSTFILE)),
        *("--headless", "--users", users, "--spawn-rate", users, "--only-summary"),
        *("--run-time", f"{math.ceil(readers_longest_s(config))}s", "--exit-code-on-error", "1"),
    ]
    return argv, {CONFIG_VARIABLE: str(config_file), "PYTHONPATH": python_path()}
