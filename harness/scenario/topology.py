"""A topology: services, the nodes of each role, their zones and sizes. Data only; backends give it life.

harness/validate/topology_file.py reads it from a file.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from harness.base.units import Bytes

Jit = Literal["c1", "c2"]
"""A compiler of the Java virtual machine, by HotSpot's name."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)


class RoleSpec(_Model):
    """How many nodes of one role there are, and how large each is."""

    count: int = Field(ge=1, le=200)
    heap: Bytes
    """The JVM's heap, such as ``384MiB``."""
    settings: dict[str, str | int | float | bool] = {}
    """Settings of the engine itself that replace those of its template in compose/."""


class Topology(_Model):
    """``services`` maps a service's name to its roles: ``kafka: {broker: {count: 3, heap: 256MiB}}``.

    Nodes are named ``<service>-<role>-<n>`` from 1, and spread over ``zones`` in turn.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    zones: tuple[str, ...] = Field(min_length=1)
    services: dict[str, dict[str, RoleSpec]] = Field(min_length=1)
    jit: Jit = "c2"
    """``c2`` optimizes what runs hot, as production does. ``c1`` compiles at once and simply: on few cores
    and for a few minutes it gets more done, as optimizing takes longer than it saves."""

    def nodes(self) -> tuple[NodeSpec, ...]:
        """Every node, in the order of the file."""
        return tuple(
            NodeSpec(
                name=f"{service}-{role}-{index + 1}",
                service=service,
                role=role,
                index=index,
                zone=self.zones[index % len(self.zones)],
                heap_bytes=spec.heap,
                settings=spec.settings,
                jit=self.jit,
            )
            for service, roles in self.services.items()
            for role, spec in roles.items()
            for index in range(spec.count)
        )


class NodeSpec(_Model):
    """One node of a topology: ``kafka-broker-2`` in zone b."""

    name: str
    service: str
    role: str
    index: int
    """Counts the nodes of the role from 0."""
    zone: str
    heap_bytes: int
    settings: dict[str, str | int | float | bool]
    jit: Jit
