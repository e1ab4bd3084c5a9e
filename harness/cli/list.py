"""``floodmark list``: list the parts of scenarios and topologies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Final

import typer

from harness.base.files import SCENARIOS
from harness.cli.output import OutputFormat, OutputOption, print_json, print_table
from harness.faults.registry import FAULTS
from harness.judge.registry import CHECKS
from harness.load.readers.registry import READER_KINDS
from harness.scenario.profiles.registry import PROFILES
from harness.services.registry import SERVICES
from harness.validate.topology_file import topology_files

Rows = list[dict[str, str]]


class Part(StrEnum):
    """What can be listed."""

    SERVICES = "services"
    TOPOLOGIES = "topologies"
    SCENARIOS = "scenarios"
    FAULTS = "faults"
    CHECKS = "checks"
    PROFILES = "profiles"
    READERS = "readers"


def list_parts(
    parts: Annotated[list[Part] | None, typer.Argument(help="Which; all by default.")] = None,
    output: OutputOption = OutputFormat.TEXT,
) -> None:
    """List services, faults, checks, profiles and kinds of readers.

    Example: floodmark list faults checks
    """
    listed = {part.value: _LISTINGS[part]() for part in parts or Part}
    if output is OutputFormat.JSON:
        print_json(listed)
        return
    for name, rows in listed.items():
        print_table(name, tuple(rows[0]) if rows else ("none",), (row.values() for row in rows))


def _services() -> Rows:
    return [{"name": name, "roles": ", ".join(service.roles)} for name, service in SERVICES.items()]


def _topologies() -> Rows:
    return [{"name": name, "file": str(path)} for name, path in topology_files().items()]


def _scenarios() -> Rows:
    """The product's scenarios, without the folders of topologies and traces."""
    files = [*SCENARIOS.glob("*.yaml"), *SCENARIOS.glob("sabotage/*.yaml")]
    return [{"name": path.stem, "file": str(path)} for path in sorted(files)]


def _faults() -> Rows:
    return [
        {
            "name": name,
            "targets": ", ".join(sorted(fault.takes)),
            "parameters": ", ".join(fault.parameter_names()),
            "needs of the backend": ", ".join(sorted(fault.requires)),
            "what it does": fault.describes,
        }
        for name, fault in FAULTS.items()
    ]


def _checks() -> Rows:
    return [
        {
            "name": name,
            "unit": check.unit,
            "aggregates": ", ".join(sorted({_any_percentile(name) for name in check.aggregates})),
            "what it measures": check.describes,
        }
        for name, check in CHECKS.items()
    ]


def _any_percentile(aggregate: str) -> str:
    """One percentile in a check's aggregates stands for all."""
    return "p(N)" if aggregate.startswith("p(") else aggregate


def _profiles() -> Rows:
    return [{"name": name, "events/s": profile.describes} for name, profile in PROFILES.items()]


def _readers() -> Rows:
    return [{"name": name, "what it does": kind.describes} for name, kind in READER_KINDS.items()]


_LISTINGS: Final[Mapping[Part, Callable[[], Rows]]] = MappingProxyType(
    {
        Part.SERVICES: _services,
        Part.TOPOLOGIES: _topologies,
        Part.SCENARIOS: _scenarios,
        Part.FAULTS: _faults,
        Part.CHECKS: _checks,
        Part.PROFILES: _profiles,
        Part.READERS: _readers,
    }
)
