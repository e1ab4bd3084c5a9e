"""The container backend: nodes are containers of a Docker engine."""

from __future__ import annotations

from collections.abc import Mapping, Set
from pathlib import Path

from harness.artifacts import Artifacts
from harness.artifacts.java import JavaHome
from harness.backends.attached import Attached
from harness.backends.bring_up import Engines, attach, bring_up, engines
from harness.backends.container.containers import ContainerNodes, addresses_in, subnet_of
from harness.backends.container.engine import connect
from harness.backends.container.images import DOCKERFILE, Image, ensure_images, images_of
from harness.backends.container.removal import command
from harness.backends.instance import Instance, instance_of, instances_of
from harness.backends.plan import (
    Installation,
    Installations,
    Services,
    check_topology,
    installed_here,
    places,
    ports,
)
from harness.backends.platform import SupervisedPlatform
from harness.backends.protocol import NO_PREPARATION, Capability, Preparation
from harness.backends.slots import take_slot
from harness.base.report import Report
from harness.processes.supervisor_client import SupervisorClient
from harness.scenario.topology import Topology
from harness.services.protocol import Jvm
from harness.services.registry import SERVICES

_JAVA: Path = Path("/usr/lib/jvm/java")


class ContainerBackend:
    """Runs nodes as containers, reached from this machine at loopback addresses of their own."""

    name = "container"
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
        """Build the images if needed, start the topology and wait until every service works.

        Only a new folder in ``data_dir`` is used, and removed at the end. Raises ``PlatformError``,
        ``ArtifactError``, and ``InvalidInput`` for an unknown service or role.
        """
        check_topology(topology, self._services)
        client = connect()
        artifacts = self._engines(topology.services.keys(), report)
        with_nodes = {node.service for node in topology.nodes()}
        images = images_of(sorted(with_nodes), artifacts, DOCKERFILE.read_text())
        ensure_images(client, images.values(), artifacts, report)
        with take_slot(topology, ports(topology, self._services)) as slot:
            subnet = subnet_of(slot.number)
            located = places(
                topology,
                self._services,
                addresses=addresses_in(subnet, (node.name for node in topology.nodes())),
                client_addresses=slot.addresses,
            )
            instance = Instance.create(self.name, topology, located, data_dir=data_dir, log_dir=log_dir)
            nodes = ContainerNodes(instance=instance, client=client, images=images)

            def started(_: Instance, __: SupervisorClient | None) -> ContainerNodes:
                return nodes

            return bring_up(
                instance,
                started,
                self._services,
                _installations(topology, self._services, artifacts, images),
                before=lambda: nodes.create_network(str(subnet)),
                at_end=command(instance.id),
                holds=[slot.lock.fileno()],
                report=report,
                preparation=preparation,
            )

    def running(self) -> tuple[Instance, ...]:
        """Its platforms that are running or were not cleaned up, oldest first."""
        return instances_of(self.name)

    def attach(self, identity: str) -> Attached:
        """Attach to one of them, from any command. Raises ``PlatformError`` for an unknown one."""
        client = connect()

        def nodes(instance: Instance, _: SupervisorClient | None) -> ContainerNodes:
            return ContainerNodes(instance=instance, client=client)

        return attach(instance_of(self.name, identity), nodes)


def _installations(
    topology: Topology, services: Services, artifacts: Artifacts, images: Mapping[str, Image]
) -> Installations:
    """In the images; a service without nodes is used by processes of this machine."""
    in_images = {
        name: Installation(
            home=artifacts.home(name),
            home_at_nodes=image.home,
            # An archive of loaded classes fits one build of Java only.
            jvm=Jvm(java=JavaHome(path=_JAVA, version=f"17-{image.digest}"), jit=topology.jit)
            if services[name].needs_java
            else None,
        )
        for name, image in images.items()
    }
    return {**installed_here(topology, services, artifacts), **in_images}
