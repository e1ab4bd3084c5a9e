"""The phases of a run."""

from __future__ import annotations

from collections.abc import Set
from typing import Final, Literal

PhaseName = Literal["warm_up", "steady", "fault", "recovery", "drain", "lake", "done"]
PHASES: Final[tuple[PhaseName, ...]] = ("warm_up", "steady", "fault", "recovery", "drain", "lake")
"""Those in which anything is measured, in their order."""
WHILE_IT_FLOWS: Final[Set[str]] = frozenset({"warm_up", "steady", "fault", "recovery"})
"""Those in which an event may be meant to be sent."""
