"""Who of other machines recorded into a history, and how well their clocks are known."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from harness.history.course import Whole

_NS_PER_MS = 1_000_000


class WorkerLine(BaseModel):
    """A line of ``workers.jsonl``: a worker that joined, written once all that it recorded is there."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    worker: str
    host: str
    offset_ns: Whole
    """The run's monotonic clock less the worker's, when it joined. What it recorded was converted by it."""
    uncertainty_ns: int = Field(ge=0)
    """Its times may be wrong by so much, as long as the clocks drifted apart steadily."""
    drift_ns: Whole
    """By how much the offset had changed when it left."""
    shared_clock: bool
    """Whether it ran on the machine of the run, whose clock is the run's."""

    def __str__(self) -> str:
        if self.shared_clock:
            return f"{self.worker} on {self.host}, same clock"
        return f"{self.worker} on {self.host}, clock known to {self.uncertainty_ns / _NS_PER_MS:.3f} ms"


def clocks_known_to(workers: Sequence[WorkerLine]) -> str:
    """For evidence: how many joined, and how wrong the worst one's times may be; "" where none did."""
    if not workers:
        return ""
    worst_ms = max(line.uncertainty_ns for line in workers) / _NS_PER_MS
    return f"{len(workers)} joined, clocks known to {worst_ms:.3f} ms"
