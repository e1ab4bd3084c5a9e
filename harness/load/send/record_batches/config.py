"""What a process is told that sends whole batches: a JSON file."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from harness.base.clocks import Clocks
from harness.base.process_config import ProcessConfig
from harness.load.send.record_batches.pace import Flood, Pace, Paced
from harness.load.share import WHOLE, Share
from harness.load.timeouts import FLUSH_TIMEOUT_S
from harness.scenario.profiles.registry import RateProfile


class WireSchedule(BaseModel):
    """A profile over a duration; its events arrive evenly."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    profile: RateProfile
    duration_s: float = Field(gt=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for rule in self.profile.broken_rules(self.duration_s):
            raise ValueError(f"{rule.field}: found {rule.found}; allowed: {rule.allowed}")
        return self

    @property
    def events(self) -> int:
        """How many are due within the duration."""
        return self.profile.curve(self.duration_s).events

    @property
    def pace(self) -> Paced:
        """When each event is due."""
        return Paced(self.profile.curve(self.duration_s))


class SendingConfig(ProcessConfig):
    """What every process is told that sends whole batches into one topic."""

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
    """Nothing is sent so long after the load's start, however few events were."""
    share: Share = WHOLE
    """Whose partitions are sent."""
    schedule: WireSchedule | None = None
    """When each is due; as soon as the platform takes it when it is left out."""
    acks: Literal["all", "1"] = "all"
    producers: int = Field(default=2, ge=1, le=64)
    """Connections to each broker. Each producer has its share of the partitions."""
    flush_timeout_s: float = Field(default=FLUSH_TIMEOUT_S, gt=0)
    """How long after the last batch was sent its answer is waited for."""
    stop_timeout_s: float = Field(default=5.0, gt=0)
    """The same when the load is told to stop early."""

    @property
    def total(self) -> int:
        """Events of the load; 0 where their number is what the platform takes in the time."""
        return self.events if self.duration_s is None else 0

    @property
    def pace(self) -> Pace:
        """When each event is due."""
        return Flood() if self.schedule is None else self.schedule.pace


class WireConfig(SendingConfig):
    """One replay of an encoded trace, by one process.

    At least ``events`` are sent; the trace is repeated as often as that takes.
    """

    trace: Path
    """The file of an encoded trace's batches."""
    worker: str = "wire-0"
