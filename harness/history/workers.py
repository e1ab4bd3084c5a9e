"""The workers that joined a load from elsewhere, and how accurately their clocks are known."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from harness.history.course import Whole

_NS_PER_MS = 1_000_000


class WorkerLine(BaseModel):
    """A line of ``workers.jsonl``: a joined worker, written once all its records have arrived."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    worker: str
    host: str
    offset_ns: Whole
    """The run's monotonic clock less the worker's when it joined, by which its times were converted."""
    uncertainty_ns: int = Field(ge=0)
    """The maximum error of its times, provided that the clocks drifted apart steadily."""
    drift_ns: Whole
    """How much the offset had changed when it left."""
    shared_clock: bool
    """Whether it ran on the run's machine and so shared its clock."""

    def __str__(self) -> str:
        if self.shared_clock:
            return f"{self.worker} on {self.host}, same clock"
        return f"{self.worker} on {self.host}, clock known to {self.uncertainty_ns / _NS_PER_MS:.3f} ms"


def clocks_known_to(workers: Sequence[WorkerLine]) -> str:
    """Return for evidence how many joined, and the largest error of their times; "" if none did."""
    if not workers:
        return ""
    worst_ms = max(line.uncertainty_ns for line in workers) / _NS_PER_MS
    return f"{len(workers)} joined, clocks known to {worst_ms:.3f} ms"
