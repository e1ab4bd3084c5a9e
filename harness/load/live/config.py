"""What a live load is told: a JSON file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from harness.clocks import Clocks
from harness.load.generate.events import EventGenerator
from harness.load.generate.model import Generate
from harness.load.live.source import GeneratedSource, LineSource, PlanSource, Source
from harness.load.replay_config import FLUSH_TIMEOUT_S
from harness.load.wire.config import WireSchedule
from harness.load.wire.encode import Compression
from harness.load.wire.pace import Flood, Pace
from harness.process_config import ProcessConfig


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class FromGenerator(_Model):
    """Events drawn from a seed."""

    kind: Literal["generator"] = "generator"
    generate: Generate
    seed: int = Field(ge=0, lt=2**32)
    span_ms: int = Field(ge=0)
    """Event time from the first event to the last, about."""

    def open(self) -> Source:
        """The source, ready to draw."""
        return GeneratedSource(EventGenerator(self.generate, seed=self.seed), self.span_ms)


class FromLines(_Model):
    """A payload a line, repeated as often as it takes, without keys."""

    kind: Literal["lines"] = "lines"
    path: Path
    span_ms: int = Field(ge=0)
    """As of a generator."""

    def open(self) -> Source:
        """The source, ready to read."""
        return LineSource(self.path, self.span_ms)


class FromPlan(_Model):
    """A plan's events, once."""

    kind: Literal["plan"] = "plan"
    path: Path

    def open(self) -> Source:
        """The source, ready to read."""
        return PlanSource(self.path)


class LiveConfig(ProcessConfig):
    """One live load into one topic, by one process."""

    endpoints: Path
    """Where ``Endpoints.save`` wrote them."""
    topic: str
    source: Annotated[FromGenerator | FromLines | FromPlan, Field(discriminator="kind")]
    history: Path
    progress: Path
    """The folder in which ``LoadProgress`` is kept."""
    worker: str = "live-0"
    """The name under which the operations are recorded."""
    clocks: Clocks
    events: int = Field(ge=1)
    """So many are sent, or all that a plan has when it has fewer."""
    schedule: WireSchedule | None = None
    """When each is due; as soon as the platform takes it when it is left out."""
    batch_events: int = Field(default=8000, ge=1)
    """At most; fewer where a chunk of the source ends."""
    batch_bytes: int = Field(default=1_048_588, ge=1)
    """At most, compressed: what a broker takes unless its ``message.max.bytes`` says otherwise."""
    linger_ms: float = Field(default=50.0, ge=0, allow_inf_nan=False)
    """So long at most an event that is due waits for others of its batch."""
    acks: Literal["all", "1"] = "all"
    compression: Compression = "snappy"
    producers: int = Field(default=2, ge=1, le=64)
    """Connections to each broker. Each producer has its share of the partitions."""
    flush_timeout_s: float = Field(default=FLUSH_TIMEOUT_S, gt=0)
    """How long after the last batch was sent its answer is waited for."""
    stop_timeout_s: float = Field(default=5.0, gt=0)
    """The same when the load is told to stop early."""

    @property
    def pace(self) -> Pace:
        """When each event is due."""
        return Flood() if self.schedule is None else self.schedule.pace
