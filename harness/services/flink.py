"""Flink as a session cluster: one JobManager, TaskManagers, and one SQL Gateway."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from harness.services.jvm import MIB, java_launch
from harness.services.protocol import Cluster, Launch, Node, Role
from harness.services.templates import FOLDER, render, yaml_document
from pipeline.base.endpoints import Endpoints, FlinkEndpoint

REST_PORT: Final = 8081
GATEWAY_PORT: Final = 8083
_JOBMANAGER, _TASKMANAGER, _GATEWAY = "jobmanager", "taskmanager", "gateway"
_FRAMEWORK_HEAP_MIB: Final = 64
_MAIN: Final = MappingProxyType(
    {
        _JOBMANAGER: "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint",
        _TASKMANAGER: "org.apache.flink.runtime.taskexecutor.TaskManagerRunner",
        _GATEWAY: "org.apache.flink.table.gateway.SqlGateway",
    }
)


class Flink:
    """A session cluster that takes statements over HTTP."""

    name: Final = "flink"
    needs_nodes: Final = True
    needs_java: Final = True
    needs: Final[tuple[str, ...]] = ()
    roles: Final[Mapping[str, Role]] = MappingProxyType(
        {
            _JOBMANAGER: Role(ports=(REST_PORT, 6123, 6124)),
            _TASKMANAGER: Role(ports=(6122, 6121)),
            _GATEWAY: Role(ports=(GATEWAY_PORT,)),
        }
    )

    def prepare(self, cluster: Cluster) -> None:
        """Do nothing: Flink creates the folders that its nodes share."""

    def launch(self, node: Node, cluster: Cluster, endpoints: Endpoints) -> Launch:
        """Launch a process of the node's role; all roles read the same settings."""
        conf = node.conf_dir
        heap_mib = node.spec.memory_bytes // MIB
        settings = render(
            "flink/config.yaml.j2",
            jobmanager=_one(cluster, _JOBMANAGER).address,
            gateway=_one(cluster, _GATEWAY).address,
            address=node.address,
            name=node.name,
            tmp=node.tmp_dir,
            heap_mib=heap_mib,
            framework_heap_mib=_FRAMEWORK_HEAP_MIB,
            checkpoint_uri=_checkpoint_uri(cluster),
            savepoint_uri=_savepoint_uri(cluster),
        )
        return java_launch(
            node,
            cluster,
            options=render("flink/jvm.options.j2", heap_mib=heap_mib, conf=conf),
            main=_MAIN[node.spec.role],
            # Only TaskManagers run hot code.
            jit=None if node.spec.role == _TASKMANAGER else "c1",
            arguments=() if node.spec.role == _GATEWAY else ("--configDir", str(conf)),
            env={
                "FLINK_CONF_DIR": str(conf),
                "FLINK_LIB_DIR": str(cluster.home / "lib"),
                "FLINK_PLUGINS_DIR": str(cluster.home / "plugins"),
            },
            files={
                conf / "config.yaml": yaml_document(settings, node.spec.settings),
                conf / "log4j2.properties": (FOLDER / "flink" / "log4j2.properties").read_text(),
            },
        )

    def check_ready(self, node: Node, cluster: Cluster) -> None:
        """Check each role by its main task."""
        # Imported here: listing services needs no client.
        from harness.services import flink_probe  # noqa: PLC0415

        endpoint = self.endpoint(cluster)
        match node.spec.role:
            case "jobmanager":
                flink_probe.check_jobmanager(endpoint.rest_url)
            case "taskmanager":
                flink_probe.check_taskmanager(endpoint.rest_url, node.name)
            case _:
                flink_probe.check_gateway(endpoint.sql_gateway_url, endpoint.rest_url)

    def endpoint(self, cluster: Cluster) -> FlinkEndpoint:
        """The gateway for statements, the JobManager for jobs."""
        return FlinkEndpoint(
            sql_gateway_url=f"http://{_one(cluster, _GATEWAY).address}:{GATEWAY_PORT}",
            rest_url=f"http://{_one(cluster, _JOBMANAGER).address}:{REST_PORT}",
            checkpoint_uri=_checkpoint_uri(cluster),
            savepoint_uri=_savepoint_uri(cluster),
        )


def _one(cluster: Cluster, role: str) -> Node:
    return cluster.role(role)[0]


def _checkpoint_uri(cluster: Cluster) -> str:
    return (cluster.shared_dir / "checkpoints").as_uri()


def _savepoint_uri(cluster: Cluster) -> str:
    return (cluster.shared_dir / "savepoints").as_uri()
