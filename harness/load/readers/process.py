"""The readers' process: its command line, and its configuration file, named by the environment."""

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
"""The environment variable that names the configuration file."""
_LOCUSTFILE: Final = Path(__file__).parents[1] / "locust" / "readers_locustfile.py"
_SLACK_S: Final = 60.0


class ReadersConfig(ProcessConfig):
    """The configuration of one run's readers."""

    endpoints: Path
    """Where ``Endpoints.save`` wrote them."""
    plan: Path
    history: Path
    worker: str = "readers-0"
    """The name that the reads are recorded under."""

    clocks: Clocks
    duration_s: float = Field(gt=0)
    """How long requests keep arriving after the load's start."""
    seed: int
    rate_per_s: float = Field(gt=0)
    weights: dict[str, int] = Field(min_length=1)
    """The weight of each kind of reader."""
    in_flight: int = Field(ge=1)
    """The maximum number of requests in flight: one for each Locust user."""
    timeout_s: float = Field(default=5.0, gt=0)
    """The timeout of one request."""


def readers_longest_s(config: ReadersConfig) -> float:
    """The longest time that readers may run, including the waits before and after the load."""
    return LOAD_LEAD_S + config.duration_s + config.timeout_s + _SLACK_S


def readers_argv(config_file: Path, config: ReadersConfig) -> tuple[Sequence[str], dict[str, str]]:
    """Write ``config_file``; return the command and environment for ``Platform.spawn("readers", ...)``.

    The readers exit once the last request is answered, shortly after the load's duration.
    """
    config.save(config_file)
    users = str(config.in_flight)
    argv = [
        *(sys.executable, "-m", "locust", "--locustfile", str(_LOCUSTFILE)),
        *("--headless", "--users", users, "--spawn-rate", users, "--only-summary"),
        *("--run-time", f"{math.ceil(readers_longest_s(config))}s", "--exit-code-on-error", "1"),
    ]
    return argv, {CONFIG_VARIABLE: str(config_file), "PYTHONPATH": python_path()}
