"""A service whose nodes are small Python processes, so that the backend is tested without an engine."""

from __future__ import annotations

import socket
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.artifacts import Artifacts
from harness.backends.platform import SupervisedPlatform
from harness.backends.process.backend import ProcessBackend
from harness.backends.protocol import NO_PREPARATION, Preparation
from harness.base.report import Report
from harness.scenario.topology import RoleSpec, Topology
from harness.services.protocol import Cluster, Launch, Node, NotReady, Role
from pipeline.base.endpoints import Endpoint, Endpoints, KafkaEndpoint

PORT = 19092
PYTHON = (sys.executable, "-I", "-S", "-c")
LISTEN = """
import os, pathlib, socket, sys
server = socket.create_server((sys.argv[1], int(sys.argv[2])))
starts = pathlib.Path("starts")
starts.write_text((starts.read_text() if starts.exists() else "") + "x")
print("listening", flush=True)
while True:
    connection, _ = server.accept()
    connection.sendall(starts.read_bytes())
    connection.close()
"""
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)" + LISTEN
ORPHANING = (
    """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(600)
    os._exit(0)
"""
    + LISTEN
)
FORKING = "import os, time; os.fork() or time.sleep(600)" + LISTEN
FAILING = "import sys; print('the disk is on fire'); sys.exit(3)"


def ask(address: str, timeout_s: float = 5.0) -> str:
    """One ``x`` for each start of the node with this data."""
    with socket.create_connection((address, PORT), timeout=timeout_s) as connection:
        return connection.recv(100).decode()


@dataclass
class Dummy:
    """Nodes that listen, and answer with how often they were started."""

    programs: Mapping[str, str] = field(default_factory=dict)
    """By role; LISTEN if not given."""
    after: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    keep: Mapping[str, Path] = field(default_factory=dict)
    """Where the file ``made`` of a role's nodes goes when they end in order."""
    name: str = "kafka"
    needs_nodes: bool = True
    needs_java: bool = False
    needs: tuple[str, ...] = ()
    launched: dict[str, tuple[Cluster, Endpoints]] = field(default_factory=dict)
    """What each node was launched with."""

    @property
    def roles(self) -> Mapping[str, Role]:
        return {
            role: Role(ports=(PORT,), after=self.after.get(role, ()), stop_timeout_s=0.3)
            for role in ("broker", "client")
        }

    def prepare(self, cluster: Cluster) -> None:
        pass

    def launch(self, node: Node, cluster: Cluster, endpoints: Endpoints) -> Launch:
        self.launched[node.name] = cluster, endpoints
        kept = self.keep.get(node.spec.role)
        program = self.programs.get(node.spec.role, LISTEN)
        return Launch(
            argv=(*PYTHON, program, node.address, str(PORT)),
            files={node.data_dir / "made": "worth keeping"},
            keep={node.data_dir / "made": kept} if kept else {},
        )

    def check_ready(self, node: Node, cluster: Cluster) -> None:
        try:
            ask(node.address)
        except OSError as error:
            raise NotReady(str(error)) from error

    def endpoint(self, cluster: Cluster) -> Endpoint:
        return KafkaEndpoint(bootstrap_servers=tuple(f"{n.address}:{PORT}" for n in cluster.nodes))


def no_engines(services: Collection[str], report: Report) -> Artifacts:
    return Artifacts(homes={name: Path("none") for name in services})


def topology(**counts: int) -> Topology:
    roles = {role: RoleSpec(count=count, memory=1) for role, count in (counts or {"broker": 1}).items()}
    return Topology(name="dummy", zones=("a", "b"), services={"kafka": roles})


def up(
    folder: Path,
    service: Dummy | None = None,
    report: Report = lambda _: None,
    preparation: Preparation = NO_PREPARATION,
    **counts: int,
) -> SupervisedPlatform:
    backend = ProcessBackend(services={"kafka": service or Dummy()}, engines=no_engines)
    return backend.up(
        topology(**counts),
        data_dir=folder / "data",
        log_dir=folder / "logs",
        report=report,
        preparation=preparation,
    )


def address(platform: Any, node: str = "kafka-broker-1") -> str:
    endpoint = next(row.endpoint for row in platform.status() if row.name == node)
    return str(endpoint).partition(":")[0]
