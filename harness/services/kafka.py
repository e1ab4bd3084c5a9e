"""Kafka in KRaft mode. Every node is both broker and controller."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from harness.services.jvm import MIB, java_launch
from harness.services.kafka_format import bootstrap_checkpoint
from harness.services.protocol import Cluster, Launch, Node, Role
from harness.services.templates import FOLDER, properties, render
from pipeline.base.endpoints import Endpoints, KafkaEndpoint

CLIENT_PORT: Final = 9092
CONTROLLER_PORT: Final = 9093
_BROKER: Final = "broker"


class Kafka:
    """Brokers spread over the zones; topics have three replicas."""

    name: Final = "kafka"
    needs_nodes: Final = True
    needs_java: Final = True
    needs: Final[tuple[str, ...]] = ()
    roles: Final[Mapping[str, Role]] = MappingProxyType(
        {_BROKER: Role(ports=(CLIENT_PORT, CONTROLLER_PORT), stop_timeout_s=4.0)}
    )

    def prepare(self, cluster: Cluster) -> None:
        """Format a disk once with Kafka's own tool, for every broker to copy."""
        bootstrap_checkpoint(cluster)

    def launch(self, node: Node, cluster: Cluster, endpoints: Endpoints) -> Launch:
        """Launch a broker with a formatted disk."""
        conf, data = node.conf_dir, node.data_dir / "data"
        factor = cluster.replication_factor(_BROKER)
        server = render(
            "kafka/server.properties.j2",
            node_id=_node_id(node),
            zone=node.spec.zone,
            address=node.address,
            voters=",".join(f"{_node_id(n)}@{n.address}:{CONTROLLER_PORT}" for n in cluster.role(_BROKER)),
            data=data,
            replication_factor=factor,
            min_isr=max(1, factor - 1),
        )
        return java_launch(
            node,
            cluster,
            options=render("kafka/jvm.options.j2", heap_mib=node.spec.memory_bytes // MIB, conf=conf),
            main="kafka.Kafka",
            arguments=[str(conf / "server.properties")],
            files={
                conf / "server.properties": properties(server, node.spec.settings),
                conf / "log4j2.properties": (FOLDER / "kafka" / "log4j2.properties").read_text(),
                data / "meta.properties": _meta_properties(node, cluster),
                data / "bootstrap.checkpoint": bootstrap_checkpoint(cluster),
            },
        )

    def check_ready(self, node: Node, cluster: Cluster) -> None:
        """Produce with acks=all and fetch, with this broker in sync."""
        # Imported here: listing services needs no client.
        from harness.services.kafka_probe import check_broker  # noqa: PLC0415

        check_broker(node, node_id=_node_id(node), replication_factor=cluster.replication_factor(_BROKER))

    def endpoint(self, cluster: Cluster) -> KafkaEndpoint:
        """Every broker is a bootstrap server."""
        return KafkaEndpoint(
            bootstrap_servers=tuple(f"{node.address}:{CLIENT_PORT}" for node in cluster.role(_BROKER)),
            replication_factor=cluster.replication_factor(_BROKER),
        )


def _node_id(node: Node) -> int:
    return node.spec.index + 1


def _meta_properties(node: Node, cluster: Cluster) -> str:
    """Identify the disk and its cluster; always the same for the same node."""
    cluster_id = _kafka_uuid(cluster.id)
    directory_id = _kafka_uuid(f"{cluster.id}/{node.name}")
    return f"version=1\ncluster.id={cluster_id}\nnode.id={_node_id(node)}\ndirectory.id={directory_id}\n"


def _kafka_uuid(name: str) -> str:
    """A UUID in Kafka's base64 form."""
    identity = uuid.uuid5(uuid.NAMESPACE_OID, name)
    return base64.urlsafe_b64encode(identity.bytes).rstrip(b"=").decode()
