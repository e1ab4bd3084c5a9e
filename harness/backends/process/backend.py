"""The process backend: from a topology to a running platform."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from harness.artifacts import ensure
from harness.artifacts.java import find_java
from harness.backends.process.ending import end_instance
from harness.backends.process.instance import Instance
from harness.backends.process.plan import Services, check_topology, places, plan, ports
from harness.backends.process.platform import ProcessPlatform
from harness.backends.process.slots import take_slot
from harness.backends.process.supervisor_client import SupervisorClient
from harness.backends.protocol import Report
from harness.services import SERVICES
from harness.topology import Topology

_READY_TIMEOUT_S: Final = 180.0


class ProcessBackend:
    """Nodes are processes of this machine, each with its own loopback address, data, log and heap."""

    name = "process"

    def __init__(self, *, services: Services = SERVICES) -> None:
        self._services = services

    def up(self, topology: Topology, *, data_dir: Path, log_dir: Path, report: Report) -> ProcessPlatform:
        """Start the topology and wait until every service works.

        Only a new folder in ``data_dir`` is used, and removed at the end. Raises ``PlatformError``,
        ``ArtifactError``, and ``InvalidInput`` for a service or role that is not known.
        """
        check_topology(topology, self._services)
        artifacts = ensure(topology.services.keys(), report=report)
        java = find_java()
        slot = take_slot(topology, ports(topology, self._services))
        instance = Instance.create(
            topology, places(topology, self._services, slot.addresses), data_dir=data_dir, log_dir=log_dir
        )
        supervisor: SupervisorClient | None = None
        try:
            supervisor = SupervisorClient.start(instance, slot.lock)
            planned = plan(instance, self._services, artifacts, java)
            platform = ProcessPlatform(
                instance=instance, planned=planned, supervisor=supervisor, report=report
            )
            for service in {one.service.name: one for one in planned}.values():
                service.service.prepare(service.cluster)
            platform.start_all(timeout_s=_READY_TIMEOUT_S)
        except BaseException:
            end_instance(instance, supervisor, report)
            raise
        return platform
