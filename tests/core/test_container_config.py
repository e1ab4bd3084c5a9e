"""Every engine's configuration for the process and for the container backend, compared field by field.

docs/containers.md says why each difference is there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from harness.artifacts.java import JavaHome
from harness.backends.container.containers import _monotonic_ns, addresses_in, subnet_of
from harness.backends.slots import slot_addresses
from harness.scenario.topology import Topology
from harness.services.protocol import Cluster, Jvm, Node
from harness.services.registry import SERVICES
from pipeline.base.endpoints import CassandraEndpoint, Endpoints, KafkaEndpoint

ROLES = {
    "kafka": {"broker": 3},
    "flink": {"jobmanager": 1, "taskmanager": 2, "gateway": 1},
    "cassandra": {"node": 3},
    "object_store": {"node": 1},
}
TOPOLOGY = Topology.model_validate(
    {
        "name": "both",
        "zones": ("a", "b"),
        "services": {
            service: {role: {"count": count, "memory": 2**28} for role, count in roles.items()}
            for service, roles in ROLES.items()
        },
    }
)
SUBNET = subnet_of(0)
INSIDE = addresses_in(SUBNET, (node.name for node in TOPOLOGY.nodes()))
OUTSIDE = slot_addresses(TOPOLOGY, 0)
IN_IMAGE = Path("/opt/engine")
DOCS = Path(__file__).parents[2] / "docs" / "containers.md"
DOCUMENTED = {
    "kafka": {
        "listeners",
        "advertised.listeners",
        "listener.security.protocol.map",
        "inter.broker.listener.name",
    }
}


def cluster_of(service: str, folder: Path, *, contained: bool) -> Cluster:
    home = folder / "home"
    (home / "lib").mkdir(parents=True, exist_ok=True)
    (home / "lib" / "engine.jar").touch()
    addresses = INSIDE if contained else OUTSIDE
    return Cluster(
        id="cluster",
        nodes=tuple(
            Node(
                spec=spec,
                address=addresses[spec.name],
                client_address=OUTSIDE[spec.name],
                data_dir=folder / spec.name,
            )
            for spec in TOPOLOGY.nodes()
            if spec.service == service
        ),
        home=home,
        home_at_nodes=IN_IMAGE if contained else home,
        jvm=Jvm(java=JavaHome(path=Path("/usr/lib/jvm/java"), version="17"), jit="c1"),
        shared_dir=folder / f"{service}-shared",
    )


def fields(cluster: Cluster) -> Mapping[str, str]:
    """Each setting of each node, by node, file and name; a line without ``=`` or ``:`` is its own name."""
    found = {}
    service = SERVICES[cluster.nodes[0].spec.service]
    for node in cluster.nodes:
        launch = service.launch(node, cluster, Endpoints(()))
        texts = {path.name: content for path, content in launch.files.items() if isinstance(content, str)}
        texts["argv"] = "\n".join(launch.argv)
        texts["env"] = "\n".join(f"{name}={value}" for name, value in launch.env.items())
        for file, text in texts.items():
            for line in text.splitlines():
                name, _, value = re.sub(r"[=:]", "=", line, count=1).partition("=")
                if not line.startswith("#"):
                    found[f"{node.name} {file} {name.strip()}"] = value.strip()
    return found


@pytest.mark.parametrize("service", ROLES)
def test_only_addresses_and_the_documented_fields_differ(
    service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.services.kafka.bootstrap_checkpoint", lambda cluster: b"")
    here, there = (cluster_of(service, tmp_path, contained=contained) for contained in (False, True))
    SERVICES[service].prepare(here)
    process, container = fields(here), fields(there)
    assert process != container
    translated = {
        as_process(name, here.home): as_process(value, here.home) for name, value in container.items()
    }
    assert process.keys() == translated.keys()
    differing = {name.split()[2] for name, value in process.items() if translated[name] != value}
    assert differing == DOCUMENTED.get(service, set())
    assert all(f"`{name}`" in DOCS.read_text() for name in differing)


def as_process(text: str, home: Path) -> str:
    """The text with each address and folder inside replaced by that of the process backend."""
    for name, inside in INSIDE.items():
        text = re.sub(rf"\b{re.escape(inside)}\b", OUTSIDE[name], text)
    return text.replace(str(IN_IMAGE), str(home))


def test_clients_are_sent_to_this_machine_and_engines_to_the_network(tmp_path: Path) -> None:
    there = {service: cluster_of(service, tmp_path, contained=True) for service in ROLES}
    kafka = SERVICES["kafka"].endpoint(there["kafka"])
    assert isinstance(kafka, KafkaEndpoint)
    assert kafka.bootstrap_servers[0] == f"{OUTSIDE['kafka-broker-1']}:9092"
    assert kafka.bootstrap_inside.split(",")[0] == f"{INSIDE['kafka-broker-1']}:9094"
    cassandra = SERVICES["cassandra"].endpoint(there["cassandra"])
    assert isinstance(cassandra, CassandraEndpoint)
    assert cassandra.contact_points[0] == OUTSIDE["cassandra-node-1"]


def test_every_node_has_an_address_of_its_own_beside_the_gateways() -> None:
    assert len(set(INSIDE.values())) == len(TOPOLOGY.nodes())
    assert str(next(SUBNET.hosts())) not in INSIDE.values()


def test_a_time_of_the_engine_is_one_of_this_machine() -> None:
    at = _monotonic_ns("2026-12-01T12:00:00.25Z", lambda: 1_796_126_401 * 10**9, lambda: 5 * 10**9)
    assert at == 5 * 10**9 - 750_000_000
