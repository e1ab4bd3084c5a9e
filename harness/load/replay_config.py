"""What a replay is told: a JSON file whose name the environment gives to Locust's processes."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from harness.clocks import Clocks
from harness.load.join.config import JoinConfig, SharedName
from harness.load.wire.config import WireSchedule
from harness.load.wire.trace import index_of
from harness.process_config import ProcessConfig

CONFIG_VARIABLE: Final = "FLOODMARK_REPLAY"
"""The environment variable that names the file."""
DELIVERY_TIMEOUT_S: Final = 60.0
FLUSH_TIMEOUT_S: Final = 65.0
"""What a replay is given unless it is told otherwise, and how whoever waits for it knows when to stop."""
_PLAN: Final = "plan.parquet"
_TRACE: Final = "trace.batches"
_INDEX: Final = "trace.index.parquet"


class WireSource(BaseModel):
    """What is replayed at wire speed."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    trace: Path
    """The file of an encoded trace's batches."""
    events: int = Field(ge=1)
    """Of all workers; the trace is repeated as often as that takes."""
    duration_s: float | None = None
    """Nothing is sent so long after the load's start, however few events were."""
    schedule: WireSchedule | None = None
    """When each is due; as soon as the platform takes it when it is left out."""


class ReplayConfig(ProcessConfig):
    """One replay of a plan into one topic."""

    endpoints: Path
    """Where ``Endpoints.save`` wrote them."""
    topic: str
    plan: Path
    largest_event_bytes: int = Field(default=0, ge=0)
    """Of the plan, as ``PlanFile`` has it: the topic must take it. 0 where that is not known."""
    history: Path
    progress: Path
    """The folder in which each worker keeps its ``LoadProgress``."""

    wire: WireSource | None = None
    """Given, whole batches are replayed at wire speed and not the plan's events one by one."""

    clocks: Clocks
    join: JoinConfig | None = None
    """Given, workers of other machines are waited for, and then the load's clocks."""
    starts_with_test: bool = False
    """Whether the load starts when Locust's test does, as from its web page, and not when ``clocks`` say."""

    acks: Literal["all", "1"] = "all"
    users: int = Field(default=1, ge=1, le=64)
    """Producers of each worker, each with its part of the entities. Locust's users drive them."""
    linger_ms: float = Field(default=100.0, ge=0)
    compression: Literal["none", "snappy", "lz4", "zstd"] = "snappy"
    delivery_timeout_s: float = Field(default=DELIVERY_TIMEOUT_S, gt=0)
    """How long the client retries one event. It must outlast the faults."""
    flush_timeout_s: float = Field(default=FLUSH_TIMEOUT_S, gt=0)
    """How long after the last event was sent its acknowledgement is waited for."""
    stop_timeout_s: float = Field(default=5.0, gt=0)
    """The same when the replay is told to stop early."""

    def started(self, now_ns: int) -> Clocks:
        """The clocks of the load if Locust's test starts now, nanoseconds since the run's epoch.

        Raises OSError or pydantic's ValidationError.
        """
        if self.join is not None:
            return Clocks.model_validate_json(self.join.start.read_bytes())
        load_start_ns = now_ns if self.starts_with_test else self.clocks.load_start_ns
        return self.clocks.model_copy(update={"load_start_ns": load_start_ns})

    def at(self, folder: Path) -> ReplayConfig:
        """The same replay for a worker whose files all lie in this folder."""
        wire = self.wire and self.wire.model_copy(update={"trace": folder / _TRACE})
        return self.model_copy(
            update={
                "endpoints": folder / "endpoints.json",
                "plan": folder / _PLAN,
                "history": folder / "history",
                "progress": folder / "load",
                "wire": wire,
                "join": None,
            }
        )

    def shared(self) -> dict[SharedName, Path]:
        """The files that a worker in another folder needs, by their names there."""
        if self.wire is None:
            return {_PLAN: self.plan}
        return {_TRACE: self.wire.trace, _INDEX: index_of(self.wire.trace)}
