"""A topology: services, the nodes of each role, their zones and sizes. Data only; backends give it life.

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
"""Becomes part of the names of folders."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)


class RoleSpec(_Model):
    """How many nodes of one role there are in each region, and how large each is."""

    count: int = Field(ge=1, le=200)
    memory: Bytes
    """What a node may use for its work, such as ``384MiB``. Each service turns it into its own settings.
    On the Java virtual machine it is the heap, and the process takes more than that."""
    settings: dict[str, str | int | float | bool] = {}
    """Settings of the engine itself that replace those of its template in compose/."""


class Topology(_Model):
    """``services`` maps a service's name to its roles: ``kafka: {broker: {count: 3, memory: 256MiB}}``.

    Nodes are named ``<service>-<role>-<n>`` from 1, and spread over ``zones`` in turn. With ``regions``, each
    region has every service as a cluster of its own, spread over its own zones; numbers go on from region to
    region.
    """

    name: _Name
    zones: tuple[str, ...] = Field(min_length=1)
    regions: dict[_Name, tuple[str, ...]] = {}
    """The zones of each region: ``{eu: [a, b], us: [c]}``. The first is home, where the pipeline is deployed.
    Without any, all zones make up one region."""
    services: dict[str, dict[str, RoleSpec]] = Field(min_length=1)
    jit: Jit = "c2"
    """``c2`` optimizes what runs hot, as production does. ``c1`` compiles at once and simply: on few cores
    and for a few minutes it gets more done, as optimizing takes longer than it saves."""

    @model_validator(mode="after")
    def _each_zone_lies_in_one_region(self) -> Self:
        placed = [zone for zones in self.regions.values() for zone in zones]
        if self.regions and (sorted(placed) != sorted(self.zones) or not all(self.regions.values())):
            raise ValueError("regions that have each of the zones once, and each region one or more of them")
        return self

    def zones_by_region(self) -> Mapping[str, Sequence[str]]:
        """Every region with its zones, home first."""
        return self.regions or {HOME: self.zones}

    def at_home(self, service: str) -> tuple[NodeSpec, ...]:
        """The service's nodes in the home region."""
        home = next(iter(self.zones_by_region()))
        return tuple(node for node in self.nodes() if node.service == service and node.region == home)

    def nodes(self) -> tuple[NodeSpec, ...]:
        """Every node: by service and role in the order of the file, then by region."""
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
    """Counts the nodes of the role in the region from 0."""
    region: str
    zone: str
    memory_bytes: int
    settings: dict[str, str | int | float | bool]
