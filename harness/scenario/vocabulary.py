"""The names that scenarios and topologies may use, out of the registries."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckWords:
    """What a threshold for a check may say."""

    unit: str
    aggregates: Set[str]
    behind_source: bool = False
    """Whether it looks at what lies behind the source topic, and so needs the whole stream path."""
    batch_layer: bool = False
    """Whether it looks at the batch layer, and so needs it deployed."""
    batches_alone: bool = False
    """Whether it looks at batches, and so needs a load that sends whole ones."""
    from_intended: bool = False
    """Whether it counts from when the load meant to send, and so needs one that means events for moments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """The registries' names."""

    services: Mapping[str, Set[str]]
    """The roles of each service."""
    without_nodes: Set[str] = frozenset()
    """The services that a topology may have without any nodes."""
    faults: Set[str]
    checks: Mapping[str, CheckWords]
    readers: Set[str]


def vocabulary() -> Vocabulary:
    """What is registered in harness/services, faults, checks and load/users."""
    # They bring their engines' clients with them; whoever has a vocabulary of their own need not wait.
    from harness.checks import (  # noqa: PLC0415
        BEHIND_SOURCE,
        CHECKS,
        FROM_INTENDED,
        OF_BATCH_LAYER,
        OF_BATCHES_ALONE,
    )
    from harness.faults import FAULTS  # noqa: PLC0415
    from harness.load.users import READER_KINDS  # noqa: PLC0415
    from harness.services import SERVICES  # noqa: PLC0415

    return Vocabulary(
        services={name: frozenset(service.roles) for name, service in SERVICES.items()},
        without_nodes=frozenset(s.name for s in SERVICES.values() if not s.needs_nodes),
        faults=frozenset(FAULTS),
        checks={
            name: CheckWords(
                unit=check.unit,
                aggregates=check.aggregates,
                behind_source=name in BEHIND_SOURCE,
                batch_layer=name in OF_BATCH_LAYER,
                batches_alone=name in OF_BATCHES_ALONE,
                from_intended=name in FROM_INTENDED,
            )
            for name, check in CHECKS.items()
        },
        readers=frozenset(READER_KINDS),
    )
