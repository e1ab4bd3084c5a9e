"""What a replay is told: a JSON file whose name the environment gives to Locust's processes."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from harness.load.clock import EventClock
from harness.run_clock import RunClock

CONFIG_VARIABLE: Final = "FLOODMARK_REPLAY"
"""The environment variable that names the file."""


class ReplayConfig(BaseModel):
    """One replay of a plan into one topic."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    endpoints: Path
    """Where ``Endpoints.save`` wrote them."""
    topic: str
    plan: Path
    history: Path
    progress: Path
    """Where ``LoadProgress`` is kept."""
    worker: str = "replay-0"
    """The name under which the operations are recorded."""

    origin_ms: int
    time_scale: float = Field(ge=1)
    load_start_ns: int | None
    """Since the run's epoch. None: when the test is started, as it is from Locust's web page."""
    epoch_unix_ns: int
    epoch_monotonic_ns: int

    acks: Literal["all", "1"] = "all"
    users: int = Field(default=1, ge=1, le=64)
    """Producers, each with its share of the entities. Locust's users drive them."""
    linger_ms: float = 100
    compression: Literal["none", "snappy", "lz4", "zstd"] = "snappy"
    delivery_timeout_s: float = Field(default=60.0, gt=0)
    """How long the client retries one event. It must outlast the faults."""
    flush_timeout_s: float = Field(default=65.0, gt=0)
    """How long after the last event was sent its acknowledgement is waited for."""
    stop_timeout_s: float = Field(default=5.0, gt=0)
    """The same when the replay is told to stop early."""

    @property
    def run_clock(self) -> RunClock:
        """The clock of the run."""
        return RunClock(epoch_unix_ns=self.epoch_unix_ns, epoch_monotonic_ns=self.epoch_monotonic_ns)

    def event_clock(self, now_ns: int) -> EventClock:
        """The event clock of a replay that starts at ``now_ns`` unless the configuration says when."""
        start_ns = now_ns if self.load_start_ns is None else self.load_start_ns
        return EventClock(origin_ms=self.origin_ms, load_start_ns=start_ns, time_scale=self.time_scale)

    def save(self, path: Path) -> None:
        """Write for the load's processes."""
        path.write_text(self.model_dump_json(indent=2))

    @staticmethod
    def load(path: Path) -> ReplayConfig:
        """Read what ``save`` wrote. Raises OSError or pydantic's ValidationError."""
        return ReplayConfig.model_validate_json(path.read_bytes())
