"""``run.json``: the facts of a run that its tables need to be understood later, elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from harness.base.clocks import Clocks
from harness.base.files import write_atomically
from harness.history.course import Whole

LOAD_FAILED: Final = "load_failed: "
"""How ``ended`` begins for a run whose load died, and which was drained and read back all the same."""


class RunInfo(BaseModel):
    """One run. Written when the load is about to start, and again when the run ends."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run_id: str
    scenario: str
    seed: int
    commit: str
    """Of the product, with ``-dirty`` where the tree was changed; ``unknown`` outside a checkout."""
    started_at: str
    """ISO 8601, UTC."""
    command: str
    """That runs it again."""
    backend: str
    epoch_unix_ns: Whole
    """The run's epoch, from which every ``*_ns`` of the history counts, as wall-clock time."""
    epoch_monotonic_ns: Whole
    """The same moment on this machine's monotonic clock."""
    load_start_ns: Whole
    """When the event clock was at its origin: an event is to be sent at
    ``load_start_ns + send_offset_ms * 1e6 / time_scale``."""
    origin_ms: Whole
    """Event time at that moment, in milliseconds since 1970."""
    time_scale: float = Field(allow_inf_nan=False)
    topology_summary: str
    """For evidence: ``process backend, kafka 3, flink 4, cassandra 3``."""
    machine: dict[str, str]
    versions: dict[str, str]
    ended: str
    """``no`` while it runs, then ``complete``, ``interrupted`` or ``failed: <reason>``; or
    ``load_failed: <reason>`` where not all was sent, but what was acknowledged was drained and read back."""
    platform_ready_s: float | None = None
    trace_events: int | None = None
    """What the plan's trace had of the events asked for; None where the load computed its events."""

    @property
    def boot(self) -> str:
        """Names the machine until it starts again, and so its monotonic clock; "" where that is not known."""
        return self.machine.get("boot", "")

    @property
    def clocks(self) -> Clocks:
        """What the processes of the run are told of its time."""
        return Clocks(
            epoch_unix_ns=self.epoch_unix_ns,
            epoch_monotonic_ns=self.epoch_monotonic_ns,
            load_start_ns=self.load_start_ns,
            origin_ms=self.origin_ms,
            time_scale=self.time_scale,
        )

    def save(self, history: Path) -> None:
        """Write ``run.json`` in one step."""
        write_atomically(history / "run.json", self.model_dump_json(indent=2).encode())

    @staticmethod
    def load(history: Path) -> RunInfo:
        """Read ``run.json``. Raises OSError or pydantic's ValidationError."""
        return RunInfo.model_validate_json((history / "run.json").read_bytes())
