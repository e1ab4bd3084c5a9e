"""What a replay at wire speed is told: a JSON file."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from harness.clocks import Clocks
from harness.load.wire.pace import Constant, Flood, Pace


class WireConfig(BaseModel):
    """One replay of an encoded trace into one topic, by one process."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    endpoints: Path
    """Where ``Endpoints.save`` wrote them."""
    topic: str
    trace: Path
    """The file of an encoded trace's batches."""
    history: Path
    progress: Path
    """Where ``LoadProgress`` is kept."""
    worker: str = "wire-0"
    """The name under which the operations are recorded."""
    clocks: Clocks
    events: int = Field(ge=1)
    """At least so many are sent; the trace is repeated as often as that takes."""
    rate_per_s: float | None = Field(default=None, gt=0)
    """Events a second; as many as the platform takes when it is left out."""
    acks: Literal["all", "1"] = "all"
    producers: int = Field(default=2, ge=1, le=64)
    """Connections to each broker. Each producer has its share of the partitions."""
    flush_timeout_s: float = Field(default=65.0, gt=0)
    """How long after the last batch was sent its answer is waited for."""

    @property
    def pace(self) -> Pace:
        """When each event is due."""
        return Flood() if self.rate_per_s is None else Constant(self.rate_per_s)

    def save(self, path: Path) -> None:
        """Write for the load's process."""
        path.write_text(self.model_dump_json(indent=2))

    @staticmethod
    def load(path: Path) -> WireConfig:
        """Read what ``save`` wrote. Raises OSError or pydantic's ValidationError."""
        return WireConfig.model_validate_json(path.read_bytes())
