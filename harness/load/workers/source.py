"""What a load sends: a plan's events one by one, an encoded trace's batches, or events that it computes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from harness.load.send.record_batches.config import WireSchedule
from harness.load.send.record_batches.trace import index_of
from harness.load.traces.generate.model import Generate
from harness.load.workers.join_config import SharedName

_PLAN: Final = "plan.parquet"
_TRACE: Final = "trace.batches"
_INDEX: Final = "trace.index.parquet"


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class PlannedEvents(_Model):
    """A plan's events, one by one."""

    kind: Literal["planned"] = "planned"
    plan: Path
    largest_event_bytes: int = Field(default=0, ge=0)
    """Of the plan, as ``PlanFile`` has it: the topic must take it. 0 where that is not known."""

    def at(self, folder: Path) -> Self:
        """The same for a worker whose files all lie in this folder."""
        return self.model_copy(update={"plan": folder / _PLAN})

    def shared(self) -> dict[SharedName, Path]:
        """The files that a worker in another folder needs, by their names there."""
        return {_PLAN: self.plan}


class _Batches(_Model):
    events: int = Field(ge=1)
    """Of all workers."""
    duration_s: float | None = None
    """Nothing is sent so long after the load's start, however few events were."""
    schedule: WireSchedule | None = None
    """When each is due; as soon as the platform takes it when it is left out."""


class EncodedRecordBatches(_Batches):
    """The batches of an encoded trace, which is repeated as often as it takes."""

    kind: Literal["encoded"] = "encoded"
    trace: Path
    """Their file."""

    def at(self, folder: Path) -> Self:
        """As ``PlannedEvents.at``."""
        return self.model_copy(update={"trace": folder / _TRACE})

    def shared(self) -> dict[SharedName, Path]:
        """As ``PlannedEvents.shared``."""
        return {_TRACE: self.trace, _INDEX: index_of(self.trace)}


class ComputedEvents(_Batches):
    """Events that are drawn from a seed as they are sent, in batches."""

    kind: Literal["computed"] = "computed"
    generate: Generate
    seed: int
    span_ms: int = Field(ge=0)
    """Event time from the load's first moment to its last."""
    batch_bytes: int = Field(ge=1)
    """Of a batch at most, compressed: what every broker takes."""

    def at(self, folder: Path) -> Self:
        """There are no files."""
        return self

    def shared(self) -> dict[SharedName, Path]:
        """Nothing: the seed says it all."""
        return {}


LoadSource = Annotated[PlannedEvents | EncodedRecordBatches | ComputedEvents, Field(discriminator="kind")]
