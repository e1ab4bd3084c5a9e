"""What a process of readers is told: a JSON file whose name the environment gives to Locust."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import Field

from harness.base.clocks import Clocks
from harness.base.process_config import ProcessConfig

CONFIG_VARIABLE: Final = "FLOODMARK_READERS"
"""The environment variable that names the file."""


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
    """For so long from the load's start on requests arrive."""
    seed: int
    rate_per_s: float = Field(gt=0)
    weights: dict[str, int] = Field(min_length=1)
    """By kind of reader."""
    in_flight: int = Field(ge=1)
    """So many requests are under way at most, one for each of Locust's users."""
    timeout_s: float = Field(default=5.0, gt=0)
    """How long one request may take."""
