"""What a load sends, by path: a plan's events, an encoded trace's record batches, or computed events."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from harness.load.send.record_batches.schedule import LoadSchedule
from harness.load.send.record_batches.trace import index_of
from harness.load.traces.generate.model import Generate
from harness.load.workers.join_config import SharedName

_PLAN: Final = "plan.parquet"
_TRACE: Final = "trace.batches"
_INDEX: Final = "trace.index.parquet"


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class EventsSource(_Model):
    """A plan's events, sent one by one."""

    kind: Literal["events"] = "events"
    plan: Path
    largest_event_bytes: int = Field(default=0, ge=0)
    """As in ``PlanFile``: the topic must accept it. 0 if unknown."""

    def at(self, folder: Path) -> Self:
        """The same for a worker whose files all lie in this folder."""
        return self.model_copy(update={"plan": folder / _PLAN})

    def shared(self) -> dict[SharedName, Path]:
        """The files that a worker in another folder needs, by their names there."""
        return {_PLAN: self.plan}


class _InRecordBatches(_Model):
    events: int = Field(ge=1)
    """Of all workers."""
    duration_s: float | None = None
    """Nothing is sent later than this after the load's start, however few events were."""
    schedule: LoadSchedule | None = None
    """Defines when each event is due. Without one, as soon as the platform accepts it."""


class RecordBatchesSource(_InRecordBatches):
    """The batches of an encoded trace, which is repeated as often as it takes."""

    kind: Literal["record_batches"] = "record_batches"
    trace: Path
    """The file of the batches."""

    def at(self, folder: Path) -> Self:
        """As ``EventsSource.at``."""
        return self.model_copy(update={"trace": folder / _TRACE})

    def shared(self) -> dict[SharedName, Path]:
        """As ``EventsSource.shared``."""
        return {_TRACE: self.trace, _INDEX: index_of(self.trace)}


class ComputedSource(_InRecordBatches):
    """Events that are drawn from a seed as they are sent, in record batches."""

    kind: Literal["computed"] = "computed"
    generate: Generate
    seed: int
    span_ms: int = Field(ge=0)
    """Event time from the load's first moment to its last."""
    batch_bytes: int = Field(ge=1)
    """The most that a batch may have, compressed: what every broker accepts."""

    def at(self, folder: Path) -> Self:
        """The same: there are no files."""
        return self

    def shared(self) -> dict[SharedName, Path]:
        """Nothing: the seed is enough."""
        return {}


LoadSource = Annotated[EventsSource | RecordBatchesSource | ComputedSource, Field(discriminator="kind")]
