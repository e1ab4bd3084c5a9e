"""The configuration of a process that sends computed events: a JSON file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from harness.load.plan.event_size import MESSAGE_MAX_BYTES
from harness.load.send.computed.source import GeneratedSource, LineSource, Source
from harness.load.send.computed.times import AsDue, Evenly, EventTimes
from harness.load.send.record_batches.config import SendingConfig
from harness.load.send.record_batches.encode import Compression
from harness.load.send.record_batches.schedule import LoadSchedule
from harness.load.traces.generate.events import EventGenerator
from harness.load.traces.generate.model import Generate


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class FromGenerator(_Model):
    """Events drawn from a seed."""

    kind: Literal["generator"] = "generator"
    generate: Generate
    seed: int = Field(ge=0, lt=2**32)
    span_ms: int = Field(ge=0)
    """Event time from the load's first moment to its last."""

    def open(self, events: int, schedule: LoadSchedule | None) -> Source:
        """The source, ready to draw."""
        times = _times(self.span_ms, events, schedule)
        return GeneratedSource(EventGenerator(self.generate, seed=self.seed), times)


class FromLines(_Model):
    """One payload per line, repeated as often as needed, without keys."""

    kind: Literal["lines"] = "lines"
    path: Path
    span_ms: int = Field(ge=0)
    """As for a generator."""

    def open(self, events: int, schedule: LoadSchedule | None) -> Source:
        """The source, ready to read."""
        return LineSource(self.path, _times(self.span_ms, events, schedule))


def _times(span_ms: int, events: int, schedule: LoadSchedule | None) -> EventTimes:
    """When each is due, if a schedule says so."""
    if schedule is None:
        return Evenly(span_ms=span_ms, events=events)
    time_scale = span_ms / 1000 / schedule.duration_s
    return AsDue(curve=schedule.profile.curve(schedule.duration_s), time_scale=time_scale)


class ComputedConfig(SendingConfig):
    """One computed load by one process."""

    source: Annotated[FromGenerator | FromLines, Field(discriminator="kind")]
    worker: str = "computed-0"
    batch_events: int = Field(default=8000, ge=1)
    """At most; fewer where a chunk of the source ends."""
    batch_bytes: int = Field(default=MESSAGE_MAX_BYTES, ge=1)
    """At most, compressed: what a broker accepts."""
    linger_ms: float = Field(default=50.0, ge=0, allow_inf_nan=False)
    """The longest that a due event waits for others of its batch."""
    compression: Compression = "snappy"
