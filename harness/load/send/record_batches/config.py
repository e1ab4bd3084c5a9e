"""The configuration of a process that sends record batches: a JSON file."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from harness.base.clocks import Clocks
from harness.base.process_config import ProcessConfig
from harness.load.send.outcomes import FLUSH_TIMEOUT_S
from harness.load.send.record_batches.schedule import Flood, LoadSchedule, Pace
from harness.load.share import WHOLE, Share


class SendingConfig(ProcessConfig):
    """What every process needs that sends record batches to one topic, encoded before or computed now."""

    endpoints: Path
    """Where ``Endpoints.save`` wrote them."""
    topic: str
    history: Path
    progress: Path
    """The folder in which each worker keeps its ``LoadProgress``."""
    worker: str
    """The name under which the operations are recorded."""
    clocks: Clocks
    events: int = Field(ge=1)
    """Of all workers."""
    duration_s: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Nothing is sent later than this after the load's start, however few events were."""
    share: Share = WHOLE
    """Whose partitions are sent."""
    schedule: LoadSchedule | None = None
    """When each event is due. Without one, as soon as the platform accepts it."""
    acks: Literal["all", "1"] = "all"
    producers: int = Field(default=2, ge=1, le=64)
    """Connections to each broker. Each producer has its share of the partitions."""
    flush_timeout_s: float = Field(default=FLUSH_TIMEOUT_S, gt=0)
    """How long to wait for answers after the last batch was sent."""
    stop_timeout_s: float = Field(default=5.0, gt=0)
    """The same when the load is stopped early."""

    @property
    def total(self) -> int:
        """Events of the load; 0 where the platform and the time decide how many there are."""
        return self.events if self.duration_s is None else 0

    @property
    def pace(self) -> Pace:
        """When each event is due."""
        return Flood() if self.schedule is None else self.schedule.pace


class RecordBatchesConfig(SendingConfig):
    """Sending an encoded trace by one process.

    At least ``events`` are sent; the trace is repeated as often as that takes.
    """

    trace: Path
    """The file of an encoded trace's batches."""
    worker: str = "record_batches-0"
