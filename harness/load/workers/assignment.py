"""What a worker of a load is told when Locust's test starts: its share, and the moment at which all begin."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from harness.base.clocks import Clocks
from harness.load.share import Share


class Assignment(BaseModel):
    """Goes from the master to a worker as a message of Locust's."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    share: Share
    load_start_ns: int
    """Since the run's epoch, and the same for all workers."""
    origin_ms: int
    """Event time at that moment."""

    def clocks(self, told: Clocks) -> Clocks:
        """The clocks of the load as it begins, on the worker's own monotonic clock."""
        return told.model_copy(update={"load_start_ns": self.load_start_ns, "origin_ms": self.origin_ms})
