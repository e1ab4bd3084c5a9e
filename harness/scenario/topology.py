"""A topology: services, the nodes of each role, their zones and sizes. Data only; backends start it.

harness/validate/topology_file.py reads it from a file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from harness.base.units import Bytes
from pipeline.base.endpoints import HOME

Jit = Literal["c1", "c2"]
"""A compiler of the Java virtual machine, by HotSpot's name."""


_Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
"""Used in folder names."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)


class RoleSpec(_Model):
    """Number and size of one role's nodes in each region."""

    count: int = Field(ge=1, le=200)
    memory: Bytes
    """Memory for a node's work, such as ``384MiB``, which each service maps to its own settings. On the Java
    virtual machine it is the heap size; the process takes more."""
    settings: dict[str, str | int | float | bool] = {}
    """Engine settings that override those of its template in compose/."""


class Topology(_Model):
    """``services`` maps a service's name to its roles: ``kafka: {broker: {count: 3, memory: 256MiB}}``.

    Nodes are named ``<service>-<role>-<n>`` from 1, and spread over ``zones`` in turn. With ``regions``, each
    region has its own cluster of every service, spread over its own zones; numbering continues from region to
    region.
    """

    name: _Name
    zones: tuple[str, ...] = Field(min_length=1)
    regions: dict[_Name, tuple[str, ...]] = {}
    """The zones of each region: ``{eu: [a, b], us: [c]}``. The first is home, where the pipeline is deployed.
    Default: one region of all zones."""
    services: dict[str, dict[str, RoleSpec]] = Field(min_length=1)
    jit: Jit = "c2"
    """``c2`` optimizes hot code, as in production. ``c1`` compiles quickly and simply: in short runs on few
    cores it gets more done, as optimizing takes longer than it saves."""

    @model_validator(mode="after")
    def _each_zone_lies_in_one_region(self) -> Self:
        placed = [zone for zones in self.regions.values() for zone in zones]
        if self.regions and (sorted(placed) != sorted(self.zones) or not all(self.regions.values())):
            raise ValueError("regions that list each zone exactly once, with at least one zone per region")
        return self

    def zones_by_region(self) -> Mapping[str, Sequence[str]]:
        """Every region with its zones, home first."""
        return self.regions or {HOME: self.zones}

    def at_home(self, service: str) -> tuple[NodeSpec, ...]:
        """The service's nodes in the home region."""
        home = next(iter(self.zones_by_region()))
        return tuple(node for node in self.nodes() if node.service == service and node.region == home)

    def nodes(self) -> tuple[NodeSpec, ...]:
        """All nodes, by service and role in file order, then by region."""
        return tuple(
            NodeSpec(
                name=f"{service}-{role}-{before * spec.count + index + 1}",
                service=service,
                role=role,
                index=index,
                region=region,
                zone=zones[index % len(zones)],
                memory_bytes=spec.memory,
                settings=spec.settings,
            )
            for service, roles in self.services.items()
            for role, spec in roles.items()
            for before, (region, zones) in enumerate(self.zones_by_region().items())
            for index in range(spec.count)
        )


class NodeSpec(_Model):
    """One node of a topology: ``kafka-broker-2`` in zone b."""

    name: str
    service: str
    role: str
    index: int
    """The node's number within its role and region, from 0."""
    region: str
    zone: str
    memory_bytes: int
    settings: dict[str, str | int | float | bool]
