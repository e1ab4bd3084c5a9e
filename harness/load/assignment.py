"""What a worker of a load is told when Locust's test starts: its share, and the moment at which all begin."""

from __future__ import annotations

from dataclasses import replace

from pydantic import BaseModel, ConfigDict

from harness.clocks import Clocks
from harness.load.clock import EventClock
from harness.load.share import Share


class Assignment(BaseModel):
    """Goes from the master to a worker as a message of Locust's."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    share: Share
    load_start_ns: int
    """Since the run's epoch, and the same for all workers."""

    def event_clock(self, clocks: Clocks) -> EventClock:
        """The event clock of the load as it begins."""
        return replace(clocks.event_clock, load_start_ns=self.load_start_ns)
