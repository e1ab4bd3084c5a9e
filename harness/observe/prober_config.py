"""What the prober is told, as a JSON file."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from harness.load.clock import EventClock
from harness.run_clock import RunClock


class ProberConfig(BaseModel):
    """One prober for one run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    endpoints: Path
    """Where ``Endpoints.save`` wrote them."""
    plan: Path
    history: Path
    worker: str = "prober-0"
    """The name under which its reads are recorded."""

    origin_ms: int
    time_scale: float = Field(ge=1)
    load_start_ns: int
    """Since the run's epoch."""
    duration_s: float = Field(gt=0)
    """Wall-clock time from the load's first event to its last."""
    epoch_unix_ns: int
    epoch_monotonic_ns: int

    reads_per_s: float = Field(default=20.0, gt=0, le=1000)
    samples_per_s: float = Field(default=10.0, gt=0, le=1000)
    """Events that are waited for, out of each second of the load."""
    entities: int = Field(default=8, ge=1)
    """The sampled events are those of at least so many of the busiest entities."""
    categories: int = Field(default=3, ge=1)
    """Of so many of the busiest categories the windows are looked for."""
    timeout_s: float = Field(default=5.0, gt=0)
    """How long one read may take."""

    @property
    def run_clock(self) -> RunClock:
        """The clock of the run."""
        return RunClock(epoch_unix_ns=self.epoch_unix_ns, epoch_monotonic_ns=self.epoch_monotonic_ns)

    @property
    def event_clock(self) -> EventClock:
        """The event clock of the load."""
        return EventClock(
            origin_ms=self.origin_ms, load_start_ns=self.load_start_ns, time_scale=self.time_scale
        )

    def save(self, path: Path) -> None:
        """Write for the prober's process."""
        path.write_text(self.model_dump_json(indent=2))

    @staticmethod
    def load(path: Path) -> ProberConfig:
        """Read what ``save`` wrote. Raises OSError or pydantic's ValidationError."""
        return ProberConfig.model_validate_json(path.read_bytes())
