"""``run.json``: the facts of a run without which its tables cannot be interpreted."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from harness.base.clocks import Clocks
from harness.base.files import write_atomically
from harness.history.course import Whole

LOAD_FAILED: Final = "load_failed: "
"""Prefix of ``ended`` for a run whose load failed, but which was still drained and read back."""


class RunInfo(BaseModel):
    """The facts of a run, written before the load starts and again when the run ends."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run_id: str
    scenario: str
    seed: int
    commit: str
    """The product's commit, with ``-dirty`` for a modified tree; ``unknown`` outside a checkout."""
    started_at: str
    """ISO 8601, UTC."""
    command: str
    """The command that repeats the run."""
    backend: str
    epoch_unix_ns: Whole
    """The run's epoch in wall-clock time; every ``*_ns`` of the history counts from it."""
    epoch_monotonic_ns: Whole
    """The same moment on this machine's monotonic clock."""
    load_start_ns: Whole
    """When the event clock was at its origin: an event is due at
    ``load_start_ns + send_offset_ms * 1e6 / time_scale``."""
    origin_ms: Whole
    """Event time at that moment, in milliseconds since 1970."""
    time_scale: float = Field(allow_inf_nan=False)
    topology_summary: str
    """For evidence: ``process backend, kafka 3, flink 4, cassandra 3``."""
    machine: dict[str, str]
    versions: dict[str, str]
    ended: str
    """``no`` during the run, then ``complete``, ``interrupted`` or ``failed: <reason>``; or
    ``load_failed: <reason>`` if only part was sent, but what was acknowledged was drained and read back."""
    platform_ready_s: float | None = None
    trace_events: int | None = None
    """How many of the requested events the plan's trace had; None for a load that computes its events."""

    @property
    def boot(self) -> str:
        """The machine's boot id, which identifies its monotonic clock; "" if unknown."""
        return self.machine.get("boot", "")

    @property
    def clocks(self) -> Clocks:
        """The clock settings that the run's processes share."""
        return Clocks(
            epoch_unix_ns=self.epoch_unix_ns,
            epoch_monotonic_ns=self.epoch_monotonic_ns,
            load_start_ns=self.load_start_ns,
            origin_ms=self.origin_ms,
            time_scale=self.time_scale,
        )

    def save(self, history: Path) -> None:
        """Write ``run.json`` atomically."""
        write_atomically(history / "run.json", self.model_dump_json(indent=2).encode())

    @staticmethod
    def load(history: Path) -> RunInfo:
        """Read ``run.json``. Raises OSError or pydantic's ValidationError."""
        return RunInfo.model_validate_json((history / "run.json").read_bytes())
