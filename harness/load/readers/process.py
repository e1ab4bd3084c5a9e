"""The readers' process: its configuration file, which the environment names, and its command line."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pydantic import Field

from harness.base.clocks import Clocks
from harness.base.process_config import ProcessConfig
from harness.load.workers.driver import LOAD_LEAD_S, python_path

CONFIG_VARIABLE: Final = "FLOODMARK_READERS"
"""The environment variable that names the file."""
_LOCUSTFILE: Final = Path(__file__).parents[1] / "locust" / "readers_locustfile.py"
_SLACK_S: Final = 60.0


class ReadersConfig(ProcessConfig):
    """The readers of one run."""

    endpoints: Path
    """Where ``Endpoints.save`` wrote them."""
    plan: Path
    history: Path
    worker: str = "readers-0"
    """The name under which the reads are recorded."""

    clocks: Clocks
    duration_s: float = Field(gt=0)
    """How long requests arrive, from the load's start."""
    seed: int
    rate_per_s: float = Field(gt=0)
    weights: dict[str, int] = Field(min_length=1)
    """By kind of reader."""
    in_flight: int = Field(ge=1)
    """The most requests under way, one for each of Locust's users."""
    timeout_s: float = Field(default=5.0, gt=0)
    """How long one request may take."""


def readers_longest_s(config: ReadersConfig) -> float:
    """The longest that readers may run from their start, including the waits before and after."""
    return LOAD_LEAD_S + config.duration_s + config.timeout_s + _SLACK_S


def readers_argv(config_file: Path, config: ReadersConfig) -> tuple[Sequence[str], dict[str, str]]:
    """The command and the environment for ``Platform.spawn("readers", ...)``; writes ``config_file``.

    The readers end by themselves once the last request was answered, shortly after the load's duration.
    """
    config.save(config_file)
    users = str(config.in_flight)
    argv = [
        *(sys.executable, "-m", "locust", "--locustfile", str(_LOCUSTFILE)),
        *("--headless", "--users", users, "--spawn-rate", users, "--only-summary"),
        *("--run-time", f"{math.ceil(readers_longest_s(config))}s", "--exit-code-on-error", "1"),
    ]
    return argv, {CONFIG_VARIABLE: str(config_file), "PYTHONPATH": python_path()}
