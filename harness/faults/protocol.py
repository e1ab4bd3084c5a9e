"""What a fault is: one way to break nodes, with its parameters, its own heal and its own mark on the plot."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence, Set
from typing import ClassVar, Self

import orjson

from harness.backends.preparation import NO_PREPARATION, Preparation
from harness.backends.protocol import Capability
from harness.backends.targets import Targets
from harness.faults.evidence import Evidence
from harness.scenario.faults import FaultFields, FaultSpec, Target, TargetKind
from harness.scenario.topology import Topology


class Fault(FaultFields, ABC):
    """A kind of fault. Its own fields are its parameters; scenarios write them beside ``at`` and ``targets``.

    An injection that broke nothing raises; heal is idempotent and must work whether or not inject did.
    """

    describes: ClassVar[str]
    """What it does to a target, as a phrase for ``floodmark list``."""
    colour: ClassVar[str]
    """Of its mark on the plots, as CSS writes it."""
    shows: ClassVar[Evidence]
    """What the record must show of each target, or the fault was not carried out."""
    takes: ClassVar[Set[TargetKind]]
    """What it can be aimed at."""
    requires: ClassVar[Set[Capability]]
    """What a backend must be capable of; on any other the scenario is refused."""

    @classmethod
    def of(cls, spec: FaultSpec) -> Self:
        """The fault that a plain value describes. Raises ValueError for parameters that are not its own."""
        fields = spec.model_dump(mode="json", exclude={"parameters"})
        return cls.model_validate_json(orjson.dumps({**fields, **spec.parameters}))

    @classmethod
    def parameter_names(cls) -> tuple[str, ...]:
        """What a scenario may say of it beside the fields of every fault."""
        return tuple(name for name in cls.model_fields if name not in FaultFields.model_fields)

    def prepare(self, targets: Sequence[Target], topology: Topology) -> Preparation:
        """What must be in place at the targets before the platform starts; nothing for most faults."""
        return NO_PREPARATION

    @abstractmethod
    def inject(self, platform: Targets, target: Target) -> None:
        """Break the target. Raises ``PlatformError`` if it cannot, or if the target is dead already."""

    @abstractmethod
    def heal(self, platform: Targets, target: Target) -> None:
        """Repair the target, and return once it works again. Raises ``PlatformError`` if it does not."""

    def look(self, platform: Targets, node: str) -> str:
        """The state of a node or process, as evidence for the record. Raises ``PlatformError``."""
        return platform.process_state(node)
