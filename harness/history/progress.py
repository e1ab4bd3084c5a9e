"""A load's progress: a small file for each worker, replaced twice a second, and their sum."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field

LoadState = Literal["waiting", "sending", "flushing", "done", "failed"]
_STATES: Final[tuple[LoadState, ...]] = ("waiting", "sending", "flushing", "done")
_Count = Annotated[int, Field(ge=0)]
"""Validated where a progress comes from another machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadProgress:
    """Counts of events: ``sent`` were handed to the client, and each ends up in one of the next three."""

    state: LoadState
    """``done`` once every outcome is in the history; the process then ends. ``failed`` if a worker was lost
    or failed, or the load was stopped early, regardless of what was recorded."""
    at_ns: int
    """When the counts were taken, in nanoseconds since the run's epoch."""
    sent: _Count
    acknowledged: _Count
    unknown: _Count
    failed: _Count
    total: _Count
    """Events of the whole load, over all workers; 0 where the platform decides how many are sent."""
    behind_ms: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    """How overdue the oldest unsent event is."""
    workers: Annotated[int, Field(ge=1)] = 1
    """Number of workers of the whole load."""

    @staticmethod
    def of_failure(at_ns: int) -> LoadProgress:
        """Return the master's report of a load that it aborts; the master itself sends nothing."""
        return LoadProgress(
            state="failed", at_ns=at_ns, sent=0, acknowledged=0, unknown=0, failed=0, total=0, behind_ms=0.0
        )

    @property
    def extent(self) -> str:
        """Text such as ``5 of 20 events sent``."""
        return f"{self.sent:,}{f' of {self.total:,}' if self.total else ''} events sent"

    def save(self, path: Path) -> None:
        """Replace the file atomically: readers see either the old progress or the new."""
        partial = path.with_name(path.name + ".partial")
        partial.write_text(json.dumps(asdict(self)))
        partial.replace(path)

    @staticmethod
    def load(folder: Path) -> LoadProgress | None:
        """Return the sum of the workers' files; None before the first. Raises ValueError or TypeError."""
        return _sum([LoadProgress.read(path) for path in sorted(folder.glob("*.json"))])

    @staticmethod
    def read(path: Path) -> LoadProgress:
        """Read one worker's progress. Raises OSError, ValueError or TypeError."""
        return LoadProgress(**json.loads(path.read_text()))


def progress_file(folder: Path, worker: str) -> Path:
    """Return the path of a worker's progress file."""
    return folder / f"{worker}.json"


def _sum(parts: Sequence[LoadProgress]) -> LoadProgress | None:
    if not parts:
        return None
    return LoadProgress(
        state=_state(parts),
        at_ns=max(part.at_ns for part in parts),
        sent=sum(part.sent for part in parts),
        acknowledged=sum(part.acknowledged for part in parts),
        unknown=sum(part.unknown for part in parts),
        failed=sum(part.failed for part in parts),
        total=max(part.total for part in parts),
        behind_ms=max(part.behind_ms for part in parts),
        workers=max(part.workers for part in parts),
    )


def _state(parts: Sequence[LoadProgress]) -> LoadState:
    """Return the state of the slowest worker, waiting if it has no file yet; partly waiting is sending."""
    if any(part.state == "failed" for part in parts):
        return "failed"
    places = [_STATES.index(part.state) for part in parts]
    if len(parts) < max(part.workers for part in parts):
        places.append(0)
    return "sending" if min(places) == 0 < max(places) else _STATES[min(places)]
