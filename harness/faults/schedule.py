"""A schedule of faults as data: which action is due when, in the order in which it is to happen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from harness.scenario.model import FaultSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One step of the schedule: inject or heal one fault at its targets."""

    at_s: float
    """From the start of the load."""
    number: int
    """The fault's place in the scenario, from 0."""
    action: Literal["inject", "look", "heal"]
    """A schedule has no looks: they follow each injection, and go before each heal."""
    kind: str
    targets: tuple[str, ...]


def schedule(faults: Sequence[FaultSpec]) -> tuple[Action, ...]:
    """Every inject and heal, by time; at the same moment heals come first, then the scenario's order."""
    actions = [
        Action(at_s=at_s, number=number, action=action, kind=fault.kind, targets=fault.targets)
        for number, fault in enumerate(faults)
        for action, at_s in _steps(fault)
    ]
    return tuple(sorted(actions, key=lambda a: (a.at_s, a.action == "inject", a.number)))


def _steps(fault: FaultSpec) -> tuple[tuple[Literal["inject", "heal"], float], ...]:
    return (("inject", fault.at), ("heal", fault.at + fault.heal_after))
