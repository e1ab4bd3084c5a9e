"""The process backend: nodes are processes on this machine."""

from __future__ import annotations

from collections.abc import Set
from pathlib import Path

from harness.backends.attached import Attached
from harness.backends.bring_up import Engines, attach, bring_up, engines
from harness.backends.instance import Instance, instance_of, instances_of
from harness.backends.plan import Services, check_topology, places, ports
from harness.backends.platform import SupervisedPlatform
from harness.backends.process.slots import take_slot
from harness.backends.process.supervised import SupervisedNodes
from harness.backends.protocol import NO_PREPARATION, Capability, Preparation
from harness.base.report import Report
from harness.processes.supervisor_client import SupervisorClient
from harness.scenario.topology import Topology
from harness.services.registry import SERVICES


class ProcessBackend:
    """Runs nodes as processes on this machine, each with its own loopback address, data, log and memory."""

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
    ) -> SupervisedPlatform:
        """Start the topology and wait until every service works.

        Only a new folder in ``data_dir`` is used, and removed at the end. Raises ``PlatformError``,
        ``ArtifactError``, and ``InvalidInput`` for an unknown service or role.
        """
        check_topology(topology, self._services)
        artifacts = self._engines(topology.services.keys(), report)
        with take_slot(topology, ports(topology, self._services)) as slot:
            located = places(topology, self._services, slot.addresses)
            instance = Instance.create(self.name, topology, located, data_dir=data_dir, log_dir=log_dir)
            # From its start, the supervisor holds the slot.
            return bring_up(
                instance,
                _nodes,
                self._services,
                artifacts,
                holds=[slot.lock.fileno()],
                report=report,
                preparation=preparation,
            )

    def running(self) -> tuple[Instance, ...]:
        """Its platforms that are running or were not cleaned up, oldest first."""
        return instances_of(self.name)

    def attach(self, identity: str) -> Attached:
        """Attach to one of them, from any command. Raises ``PlatformError`` for an unknown one."""
        return attach(instance_of(self.name, identity), _nodes)


def _nodes(instance: Instance, supervisor: SupervisorClient | None) -> SupervisedNodes | None:
    return None if supervisor is None else SupervisedNodes(instance, supervisor)
