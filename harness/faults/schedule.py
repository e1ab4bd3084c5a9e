"""The schedule of faults as data: actions with their due times, in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.backends.protocol import Preparation
from harness.faults.protocol import Fault
from harness.scenario.faults import FaultSpec, Target, node_names, targets_of
from harness.scenario.topology import Topology


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One step of the schedule: inject or heal one fault at its targets."""

    at_s: float
    """Seconds from the start of the load."""
    number: int
    """The fault's place in the scenario, from 0."""
    action: Literal["inject", "look", "heal"]
    """``look`` is never scheduled: one follows each injection and one precedes each heal."""
    fault: Fault
    targets: tuple[Target, ...]

    @property
    def nodes(self) -> tuple[str, ...]:
        """The nodes and processes that it breaks, or whose connections it breaks."""
        return node_names(self.targets)


def schedule(
    specs: Sequence[FaultSpec], topology: Topology, faults: Mapping[str, type[Fault]]
) -> tuple[Action, ...]:
    """Return every injection and heal by time; ties by heals first, then in the scenario's order."""
    actions = [
        Action(
            at_s=at_s,
            number=number,
            action=action,
            fault=faults[spec.kind].of(spec),
            targets=targets_of(spec, topology),
        )
        for number, spec in enumerate(specs)
        for action, at_s in _steps(spec)
    ]
    return tuple(sorted(actions, key=lambda a: (a.at_s, a.action == "inject", a.number)))


def prepared(
    specs: Sequence[FaultSpec], topology: Topology, faults: Mapping[str, type[Fault]]
) -> Preparation:
    """Return what all faults together need before the platform starts.

    Raises ``PlatformError`` where two faults contradict each other.
    """
    return Preparation.merged(
        faults[spec.kind].of(spec).prepare(targets_of(spec, topology), topology) for spec in specs
    )


def _steps(fault: FaultSpec) -> tuple[tuple[Literal["inject", "heal"], float], ...]:
    return (("inject", fault.at), ("heal", fault.at + fault.heal_after))
