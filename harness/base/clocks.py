"""Both clocks of a run as one value, passed to its processes as JSON."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from harness.base.event_clock import EventClock
from harness.base.files import write_atomically
from harness.base.run_clock import RunClock


class Clocks(BaseModel):
    """Recreates a run's clocks in any process of the machine; see ``RunInfo.clocks``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    epoch_unix_ns: int
    epoch_monotonic_ns: int
    load_start_ns: int
    """Since the run's epoch."""
    origin_ms: int
    time_scale: float = Field(ge=1)

    def save(self, path: Path) -> None:
        """Write atomically, for a process that waits for the file."""
        write_atomically(path, self.model_dump_json().encode())

    @property
    def run_clock(self) -> RunClock:
        """The clock of the run."""
        return RunClock(epoch_unix_ns=self.epoch_unix_ns, epoch_monotonic_ns=self.epoch_monotonic_ns)

    @property
    def event_clock(self) -> EventClock:
        """The event clock of its load."""
        return EventClock(
            origin_ms=self.origin_ms, load_start_ns=self.load_start_ns, time_scale=self.time_scale
        )
