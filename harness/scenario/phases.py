"""The phases of a run."""

from __future__ import annotations

from collections.abc import Set
from typing import Final, Literal

PhaseName = Literal["warm_up", "steady", "fault", "recovery", "drain", "lake", "done"]
PHASES: Final[tuple[PhaseName, ...]] = ("warm_up", "steady", "fault", "recovery", "drain", "lake")
"""The phases with measurements, in order."""
SENDING_PHASES: Final[Set[str]] = frozenset({"warm_up", "steady", "fault", "recovery"})
"""The phases with intended send times."""
