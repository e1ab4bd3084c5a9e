"""How far a load has come, in a small file that is replaced twice a second."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

LoadState = Literal["waiting", "sending", "flushing", "done"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadProgress:
    """Counts of events. ``sent`` were handed to the client; each ends up in one of the other three."""

    state: LoadState
    """``done`` once every outcome is in the history; the process then ends."""
    at_ns: int
    """When this was so, in nanoseconds since the run's epoch."""
    sent: int
    acknowledged: int
    unknown: int
    failed: int
    total: int
    """Events of the plan."""
    behind_ms: float
    """How long ago the oldest event that is due and not sent should have been sent."""

    def save(self, path: Path) -> None:
        """Replace the file in one step: whoever reads it sees the old progress or the new."""
        partial = path.with_name(path.name + ".partial")
        partial.write_text(json.dumps(asdict(self)))
        partial.replace(path)

    @staticmethod
    def load(path: Path) -> LoadProgress | None:
        """What was saved last; None before the first. Raises ValueError or TypeError when it is not that."""
        try:
            text = path.read_text()
        except FileNotFoundError:
            return None
        return LoadProgress(**json.loads(text))
