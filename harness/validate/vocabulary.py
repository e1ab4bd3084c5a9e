"""The names that scenarios and topologies may use, from the registries."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Set
from dataclasses import dataclass, field
from functools import partial

from harness.backends.protocol import Capability
from harness.backends.registry import BACKENDS, DEFAULT_BACKEND, backend_of
from harness.faults.protocol import Fault
from harness.scenario.phases import PHASES
from harness.scenario.setting import Setting


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckWords:
    """The unit, aggregates and phases that a check's thresholds may use."""

    unit: str
    aggregates: Set[str]
    phases: Set[str] = frozenset(PHASES)
    """The phases in which its measurements may begin."""
    safety: bool = False
    """Whether it has default limits, which hold even if the scenario does not name it."""
    unfit: Callable[[Setting], str] = lambda setting: ""
    """What it needs to measure anything; "" if nothing is lacking."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """The registries' names."""

    services: Mapping[str, Set[str]]
    """The roles of each service."""
    without_nodes: Set[str] = frozenset()
    """The services that a topology may have without any nodes."""
    needs: Mapping[str, Collection[str]] = field(default_factory=dict)
    """The other services that each service needs."""
    faults: Mapping[str, type[Fault]]
    """Each kind of fault, with its parameters and what it needs of a backend."""
    backend: str = DEFAULT_BACKEND
    """The backend to run on."""
    capabilities: Mapping[str, Set[Capability]]
    """Those of each backend."""
    checks: Mapping[str, CheckWords]
    readers: Set[str]


def vocabulary(backend: str = DEFAULT_BACKEND) -> Vocabulary:
    """Collect the names in the registries of services, backends, faults, checks and load/readers.

    Raises ``InvalidInput`` for an unknown backend.
    """
    # These imports load the engines' clients; callers with their own vocabulary avoid the wait.
    from harness.faults.registry import FAULTS  # noqa: PLC0415
    from harness.judge.registry import CHECKS, unfit  # noqa: PLC0415
    from harness.load.readers.registry import READER_KINDS  # noqa: PLC0415
    from harness.services.registry import SERVICES  # noqa: PLC0415

    return Vocabulary(
        services={name: frozenset(service.roles) for name, service in SERVICES.items()},
        without_nodes=frozenset(s.name for s in SERVICES.values() if not s.needs_nodes),
        needs={name: service.needs for name, service in SERVICES.items()},
        faults=FAULTS,
        backend=backend_of(backend).name,
        capabilities={name: make().capabilities for name, make in BACKENDS.items()},
        checks={
            name: CheckWords(
                unit=check.unit,
                aggregates=check.aggregates,
                phases=check.phases,
                safety=bool(check.default_thresholds),
                unfit=partial(unfit, name),
            )
            for name, check in CHECKS.items()
        },
        readers=frozenset(READER_KINDS),
    )
