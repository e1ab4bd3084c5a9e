"""The process backend: from a topology to a running platform."""

from __future__ import annotations

from collections.abc import Callable, Collection, Set
from pathlib import Path
from typing import Final

from harness.artifacts import Artifacts, ensure
from harness.backends.preparation import NO_PREPARATION, Preparation
from harness.backends.process.ending import end_instance
from harness.backends.process.instance import Instance
from harness.backends.process.plan import (
    Services,
    check_topology,
    endpoints_of,
    find_jvm,
    places,
    plan_nodes,
    plan_services,
    ports,
)
from harness.backends.process.platform import ProcessPlatform
from harness.backends.process.slots import Slot, take_slot
from harness.backends.process.supervisor_client import SupervisorClient
from harness.backends.protocol import Capability
from harness.base.errors import FloodmarkError
from harness.base.report import Report
from harness.scenario.topology import Topology
from harness.services.registry import SERVICES

_READY_TIMEOUT_S: Final = 180.0


Engines = Callable[[Collection[str], Report], Artifacts]


def engines(services: Collection[str], report: Report) -> Artifacts:
    """The services' artifacts, fetched where they are missing."""
    return ensure(services, report=report)


class ProcessBackend:
    """Nodes are processes of this machine, each with its own loopback address, data, log and memory."""

    name = "process"
    capabilities: Set[Capability] = frozenset({"signals"})

    def __init__(self, *, services: Services = SERVICES, engines: Engines = engines) -> None:
        self._services, self._engines = services, engines

    def up(
        self,
        topology: Topology,
        *,
        data_dir: Path,
        log_dir: Path,
        report: Report,
        preparation: Preparation = NO_PREPARATION,
    ) -> ProcessPlatform:
        """Start the topology and wait until every service works.

        Only a new folder in ``data_dir`` is used, and removed at the end. Raises ``PlatformError``,
        ``ArtifactError``, and ``InvalidInput`` for a service or role that is not known.
        """
        check_topology(topology, self._services)
        artifacts = self._engines(topology.services.keys(), report)
        jvm = find_jvm(topology, self._services)
        with take_slot(topology, ports(topology, self._services)) as slot:
            instance = Instance.create(
                topology, places(topology, self._services, slot.addresses), data_dir=data_dir, log_dir=log_dir
            )
            supervisor = _supervised(instance, slot, report)
        try:
            planned = plan_services(instance, self._services, artifacts, jvm)
            for one in planned:
                one.service.prepare(one.cluster)
            endpoints = endpoints_of(topology, planned)
            platform = ProcessPlatform(
                instance=instance,
                endpoints=endpoints,
                planned=plan_nodes(instance, planned, endpoints),
                supervisor=supervisor,
                report=report,
                preparation=preparation,
            )
            platform.start_all(timeout_s=_READY_TIMEOUT_S)
        except BaseException:
            _abandon(instance, supervisor, report)
            raise
        return platform


def _supervised(instance: Instance, slot: Slot, report: Report) -> SupervisorClient:
    """Start the supervisor, which holds the slot from then on."""
    try:
        return SupervisorClient.start(instance, slot.lock)
    except BaseException:
        _abandon(instance, None, report)
        raise


def _abandon(instance: Instance, supervisor: SupervisorClient | None, report: Report) -> None:
    """Clean up after a failure, which a second one must not hide."""
    try:
        end_instance(instance, supervisor, report)
    except (FloodmarkError, OSError) as error:
        report(f"could not clean up {instance.id}: {error}; `floodmark down` tries again")
