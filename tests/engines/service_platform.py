"""One service on the process backend, for the tests of the services."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from harness.backends.platform import SupervisedPlatform
from harness.backends.process.backend import ProcessBackend
from harness.scenario.topology import RoleSpec, Topology
from harness.services.protocol import Service
from harness.services.registry import SERVICES

MIB = 2**20


def running(
    folder: Path, service: str, roles: dict[str, tuple[int, int]], services: Mapping[str, Service] = SERVICES
) -> Iterator[SupervisedPlatform]:
    """The service with ``{role: (count, memory in MiB)}`` in three zones, until the caller is done."""
    specs = {role: RoleSpec(count=count, memory=memory * MIB) for role, (count, memory) in roles.items()}
    topology = Topology(name="test", zones=("a", "b", "c"), services={service: specs}, jit="c1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLOODMARK_STATE", str(folder / "state"))
        platform = ProcessBackend(services=services).up(
            topology, data_dir=folder / "data", log_dir=folder / "logs", report=lambda _: None
        )
        try:
            yield platform
        finally:
            platform.down()


def state_of(platform: SupervisedPlatform, node: str) -> str:
    return next(row.state for row in platform.status() if row.name == node)
