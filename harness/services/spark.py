"""Spark: a standalone cluster, or, without one in the topology, a session that each job starts itself."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from harness.artifacts import cache_dir
from harness.base.errors import PlatformError
from harness.services.jvm import MIB, java_launch, jvm_of
from harness.services.protocol import Cluster, Jvm, Launch, Node, Role
from harness.services.templates import FOLDER, render
from pipeline.base.endpoints import Endpoints, SparkEndpoint

MASTER_PORT: Final = 7077
MASTER_WEB_PORT: Final = 8080
WORKER_PORT: Final = 7078
WORKER_WEB_PORT: Final = 8082
DRIVER_HEAP_BYTES: Final = 1024 * MIB
_MASTER, _WORKER = "master", "worker"
_DAEMON_HEAP_MIB: Final = 128
_CORES_PER_WORKER: Final = 1
_SCALA_VERSION: Final = "2.13"
_C1: Final = ("-XX:TieredStopAtLevel=1", "-XX:ReservedCodeCacheSize=240m")
"""C1's default code cache of 48 MB fills up after a session has run two days; then nothing is compiled."""


class Spark:
    """A standalone cluster. Each worker runs one executor, whose heap is the worker's memory.

    The daemons have a small fixed heap, so a master's memory setting is not used.
    """

    name: Final = "spark"
    needs_nodes: Final = False  # a job starts its own session
    needs_java: Final = True
    needs: Final[tuple[str, ...]] = ()
    roles: Final[Mapping[str, Role]] = MappingProxyType(
        {
            _MASTER: Role(ports=(MASTER_PORT, MASTER_WEB_PORT)),
            _WORKER: Role(ports=(WORKER_PORT, WORKER_WEB_PORT), after=(_MASTER,)),
        }
    )

    def prepare(self, cluster: Cluster) -> None:
        """Do nothing: nodes share no files."""

    def launch(self, node: Node, cluster: Cluster, endpoints: Endpoints) -> Launch:
        """Launch a daemon of the node's role."""
        conf = node.conf_dir
        pyspark = pyspark_home()
        main, arguments = _master(node) if node.spec.role == _MASTER else _worker(node, cluster)
        return java_launch(
            node,
            cluster,
            options=render("spark/jvm.options.j2", daemon_heap_mib=_DAEMON_HEAP_MIB, conf=conf),
            main=main,
            # Daemons run no hot code; executors get their options from the driver.
            jit="c1",
            jars=sorted(pyspark.glob("jars/*.jar")),
            arguments=arguments,
            env={
                "SPARK_HOME": str(pyspark),
                "JAVA_HOME": str(jvm_of(cluster).java.path),
                "SPARK_LOCAL_DIRS": str(node.tmp_dir),
                # Set by Spark's own scripts; without it a worker starts no executor.
                "SPARK_SCALA_VERSION": _SCALA_VERSION,
            },
            files={conf / "log4j2.properties": (FOLDER / "spark" / "log4j2.properties").read_text()},
        )

    def check_ready(self, node: Node, cluster: Cluster) -> None:
        """Require that the master answers and lists this worker as alive."""
        # Imported here: listing services needs no client.
        from harness.services.spark_probe import check_master, check_worker  # noqa: PLC0415

        web_url = f"http://{cluster.role(_MASTER)[0].address}:{MASTER_WEB_PORT}"
        if node.spec.role == _MASTER:
            check_master(web_url)
        else:
            check_worker(web_url, node.address)

    def endpoint(self, cluster: Cluster) -> SparkEndpoint:
        """The master, with executors as large as the smallest worker; without one, a job's own session."""
        if not cluster.role(_MASTER):
            return own_session(home=cluster.home, jvm=jvm_of(cluster))
        workers = cluster.role(_WORKER)
        return _endpoint(
            master=_master_url(cluster),
            home=cluster.home,
            jvm=jvm_of(cluster),
            executor_heap_bytes=min(node.spec.memory_bytes for node in workers) if workers else None,
        )


def own_session(*, home: Path, jvm: Jvm, cores: int = 2) -> SparkEndpoint:
    """The endpoint of a platform without a cluster: a session in the driver alone.

    ``home`` is the engine's folder, with the jars that pyspark lacks.
    """
    return _endpoint(master=f"local[{cores}]", home=home, jvm=jvm, executor_heap_bytes=None)


def pyspark_home() -> Path:
    """The folder of the pyspark package, a complete Spark distribution. Raises ``PlatformError``."""
    found = importlib.util.find_spec("pyspark")
    if found is None or not found.submodule_search_locations:
        raise PlatformError("pyspark is not installed; run `make python`, or install the extra `lake`")
    return Path(found.submodule_search_locations[0])


def _master(node: Node) -> tuple[str, tuple[str, ...]]:
    listening = ("--host", node.address, "--port", str(MASTER_PORT), "--webui-port", str(MASTER_WEB_PORT))
    return "org.apache.spark.deploy.master.Master", listening


def _worker(node: Node, cluster: Cluster) -> tuple[str, tuple[str, ...]]:
    return "org.apache.spark.deploy.worker.Worker", (
        *("--host", node.address, "--port", str(WORKER_PORT), "--webui-port", str(WORKER_WEB_PORT)),
        *("--cores", str(_CORES_PER_WORKER), "--memory", f"{node.spec.memory_bytes // MIB}M"),
        *("--work-dir", str(node.data_dir / "work")),
        _master_url(cluster),
    )


def _master_url(cluster: Cluster) -> str:
    return f"spark://{cluster.role(_MASTER)[0].address}:{MASTER_PORT}"


def _endpoint(*, master: str, home: Path, jvm: Jvm, executor_heap_bytes: int | None) -> SparkEndpoint:
    return SparkEndpoint(
        master=master,
        jars=tuple(str(jar) for jar in sorted(home.glob("lib/*.jar"))),
        driver_heap_bytes=DRIVER_HEAP_BYTES,
        executor_heap_bytes=executor_heap_bytes,
        java_home=str(jvm.java.path),
        java_options=("-XX:+UseSerialGC", *(_C1 if jvm.jit == "c1" else ())),
        class_archives=str(cache_dir() / "derived" / home.name / f"drivers-java-{jvm.java.version}"),
    )
