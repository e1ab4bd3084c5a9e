"""Cassandra: zones are racks, and tokens are assigned in advance so that all nodes can start at once."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from harness.services.jvm import MIB, java_launch
from harness.services.protocol import Cluster, Launch, Node, Role
from harness.services.templates import FOLDER, render, yaml_document
from pipeline.base.endpoints import CassandraEndpoint, Endpoints

NATIVE_PORT: Final = 9042
STORAGE_PORT: Final = 7000
DATACENTER: Final = "local"
_NODE: Final = "node"
_FIRST_TOKEN: Final = -(2**63)


class Cassandra:
    """A ring with one token per node."""

    name: Final = "cassandra"
    needs_nodes: Final = True
    needs_java: Final = True
    needs: Final[tuple[str, ...]] = ()
    roles: Final[Mapping[str, Role]] = MappingProxyType({_NODE: Role(ports=(NATIVE_PORT, STORAGE_PORT))})

    def prepare(self, cluster: Cluster) -> None:
        """Do nothing: nodes share no files."""

    def launch(self, node: Node, cluster: Cluster, endpoints: Endpoints) -> Launch:
        """Launch a node that knows the whole ring."""
        conf, data = node.conf_dir, node.data_dir / "data"
        heap_mib = node.spec.memory_bytes // MIB
        settings = render(
            "cassandra/cassandra.yaml.j2",
            cluster=cluster.id,
            address=node.address,
            token=_token(node, cluster),
            seeds=",".join(peer.address for peer in cluster.role(_NODE)),
            data=data,
            heap_mib=heap_mib,
        )
        rack = render("cassandra/cassandra-rackdc.properties.j2", datacenter=DATACENTER, zone=node.spec.zone)
        return java_launch(
            node,
            cluster,
            options=render("cassandra/jvm.options.j2", heap_mib=heap_mib, conf=conf, data=data),
            main="org.apache.cassandra.service.CassandraDaemon",
            files={
                conf / "cassandra.yaml": yaml_document(settings, node.spec.settings),
                conf / "cassandra-rackdc.properties": rack,
                conf / "logback.xml": (FOLDER / "cassandra" / "logback.xml").read_text(),
            },
        )

    def check_ready(self, node: Node, cluster: Cluster) -> None:
        """Require that the node knows all others and coordinates a write and a read at QUORUM."""
        # Imported here: listing services needs no client.
        from harness.services.cassandra_probe import check_node  # noqa: PLC0415

        check_node(
            node,
            datacenter=DATACENTER,
            replication_factor=cluster.replication_factor(_NODE),
            peers=len(cluster.nodes) - 1,
        )

    def endpoint(self, cluster: Cluster) -> CassandraEndpoint:
        """Every node is a contact point."""
        return CassandraEndpoint(
            contact_points=tuple(node.address for node in cluster.role(_NODE)),
            port=NATIVE_PORT,
            datacenter=DATACENTER,
            replication_factor=cluster.replication_factor(_NODE),
        )


def _token(node: Node, cluster: Cluster) -> int:
    """The node's token, for equal shares of the ring."""
    return _FIRST_TOKEN + node.spec.index * (2**64 // len(cluster.role(_NODE)))
