"""The interface of a kind of fault: its parameters, injection, heal, evidence, and mark on the plots."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from typing import ClassVar, Self

import orjson

from harness.backends.protocol import NO_PREPARATION, Capability, Preparation
from harness.backends.targets import Targets
from harness.history.course import EndLine, FaultSpan
from harness.scenario.faults import FaultFields, FaultSpec, Target, TargetKind
from harness.scenario.topology import Topology


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A pure test of a run's record for traces of a fault, and the words for a record that fails it."""

    shown: Callable[[FaultSpan, Sequence[EndLine], str], bool]
    """Takes a fault, every end of a process in the run, and the name of a target."""
    lacking: str
    """Follows "the record"; ``{nodes}`` stands for the targets without evidence."""


class Fault(FaultFields, ABC):
    """A kind of fault. Its fields are its parameters, given in scenarios beside ``at`` and ``targets``.

    An injection that breaks nothing raises. ``heal`` is idempotent and must work whether or not ``inject``
    did.
    """

    describes: ClassVar[str]
    """What the fault does to a target, as a phrase for ``floodmark list``."""
    colour: ClassVar[str]
    """The CSS color of its mark on the plots."""
    shows: ClassVar[Evidence]
    """The evidence that the fault was carried out at each target."""
    takes: ClassVar[Set[TargetKind]]
    """The kinds of targets that it accepts."""
    requires: ClassVar[Set[Capability]]
    """The capabilities that a backend needs; on a backend without them the scenario is refused."""

    @classmethod
    def of(cls, spec: FaultSpec) -> Self:
        """Build the fault from its specification. Raises ValueError for unknown or invalid parameters."""
        fields = spec.model_dump(mode="json", exclude={"parameters"})
        return cls.model_validate_json(orjson.dumps({**fields, **spec.parameters}))

    @classmethod
    def parameter_names(cls) -> tuple[str, ...]:
        """The names of the parameters that a scenario may set, beyond the fields of every fault."""
        return tuple(name for name in cls.model_fields if name not in FaultFields.model_fields)

    def prepare(self, targets: Sequence[Target], topology: Topology) -> Preparation:
        """Return what the targets need before the platform starts; nothing for most faults."""
        return NO_PREPARATION

    @abstractmethod
    def inject(self, platform: Targets, target: Target) -> None:
        """Break the target. Raises ``PlatformError`` if that fails or the target is already dead."""

    @abstractmethod
    def heal(self, platform: Targets, target: Target) -> None:
        """Repair the target and wait until it works again. Raises ``PlatformError`` if it does not."""

    def look(self, platform: Targets, node: str) -> str:
        """Return the state of a node or process, as evidence. Raises ``PlatformError``."""
        return platform.process_state(node)
