"""How far a load has come: a small file for each worker, replaced twice a second, and their sum."""

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
"""Held against where a progress comes from another machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadProgress:
    """Counts of events. ``sent`` were handed to the client; each ends up in one of the other three."""

    state: LoadState
    """``done`` once every outcome is in the history; the process then ends. ``failed`` when a worker was
    lost or failed, or the load was stopped before everything was sent, whatever was recorded."""
    at_ns: int
    """When this was so, in nanoseconds since the run's epoch."""
    sent: _Count
    acknowledged: _Count
    unknown: _Count
    failed: _Count
    total: _Count
    """Events of the whole load, whoever sends them; 0 where the platform decides how many there are."""
    behind_ms: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    """How long ago the oldest event that is due and not sent should have been sent."""
    workers: Annotated[int, Field(ge=1)] = 1
    """How many the load has, whoever of them is meant here."""

    @staticmethod
    def of_failure(at_ns: int) -> LoadProgress:
        """What the master says of a load that it ends; it has sent nothing itself."""
        return LoadProgress(
            state="failed", at_ns=at_ns, sent=0, acknowledged=0, unknown=0, failed=0, total=0, behind_ms=0.0
        )

    @property
    def extent(self) -> str:
        """How much is sent, for people: ``5 of 20 events sent``."""
        return f"{self.sent:,}{f' of {self.total:,}' if self.total else ''} events sent"

    def save(self, path: Path) -> None:
        """Replace the file in one step: whoever reads it sees the old progress or the new."""
        partial = path.with_name(path.name + ".partial")
        partial.write_text(json.dumps(asdict(self)))
        partial.replace(path)

    @staticmethod
    def load(folder: Path) -> LoadProgress | None:
        """The sum over the workers' files; None before the first. Raises ValueError or TypeError."""
        return _sum([LoadProgress.read(path) for path in sorted(folder.glob("*.json"))])

    @staticmethod
    def read(path: Path) -> LoadProgress:
        """One worker's. Raises OSError, ValueError or TypeError."""
        return LoadProgress(**json.loads(path.read_text()))


def progress_file(folder: Path, worker: str) -> Path:
    """Where a worker keeps its progress."""
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
    """That of the worker that is furthest behind, also of one without a file; in part waiting is sending."""
    if any(part.state == "failed" for part in parts):
        return "failed"
    places = [_STATES.index(part.state) for part in parts]
    if len(parts) < max(part.workers for part in parts):
        places.append(0)
    return "sending" if min(places) == 0 < max(places) else _STATES[min(places)]
