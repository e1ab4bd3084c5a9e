"""What the prober is told, as a JSON file."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from harness.base.clocks import Clocks
from harness.base.process_config import ProcessConfig


class ProberConfig(ProcessConfig):
    """One prober for one run."""

    endpoints: Path
    """Where ``Endpoints.save`` wrote them."""
    plan: Path
    history: Path
    worker: str = "prober-0"
    """The name under which its reads are recorded."""

    clocks: Clocks
    duration_s: float = Field(gt=0)
    """Wall-clock time from the load's first event to its last."""

    reads_per_s: float = Field(default=20.0, gt=0, le=1000)
    samples_per_s: float = Field(default=10.0, gt=0, le=1000)
    """Events that are waited for, out of each second of the load."""
    entities: int = Field(default=8, ge=1)
    """The sampled events are those of at least so many of the busiest entities."""
    categories: int = Field(default=5, ge=1)
    """Of so many of the busiest categories the windows are looked for."""
    timeout_s: float = Field(default=5.0, gt=0)
    """How long one read may take."""
