"""Services that need other services, and what each is given: Java, endpoints, a cluster in each region."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.artifacts.java import JavaHome
from harness.backends import plan
from harness.backends.plan import check_topology, ports
from harness.backends.platform import SupervisedPlatform
from harness.backends.process.backend import ProcessBackend
from harness.backends.process.slots import slot_addresses
from harness.base.errors import InvalidInput, PlatformError
from harness.scenario.topology import RoleSpec, Topology
from harness.services.jvm import jvm_of
from harness.services.protocol import Cluster, missing_needs, start_order
from harness.services.registry import SERVICES
from pipeline.base.endpoints import CassandraEndpoint, Endpoint, ObjectStoreEndpoint
from pipeline.base.errors import NoSuchService
from tests.core.dummy_service import PORT, Dummy, no_engines

NAME = st.sampled_from("abcdef")


@dataclass
class Ring(Dummy):
    """What the dummy needs, in most of these tests."""

    name: str = "cassandra"

    def endpoint(self, cluster: Cluster) -> Endpoint:
        points = tuple(node.address for node in cluster.nodes)
        return CassandraEndpoint(contact_points=points, port=PORT, datacenter="d")


@dataclass
class Store(Dummy):
    """What nobody needs."""

    name: str = "object_store"

    def endpoint(self, cluster: Cluster) -> Endpoint:
        return ObjectStoreEndpoint(url="http://store")


def topology(*services: Dummy, count: int = 1, regions: Mapping[str, tuple[str, ...]] = {}) -> Topology:
    return Topology(
        name="needs",
        zones=("a", "b", "c"),
        regions=dict(regions),
        services={one.name: {"broker": RoleSpec(count=count, memory=1)} for one in services},
    )


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOODMARK_STATE", str(tmp_path / "state"))


def up(folder: Path, said: list[str], topology: Topology, *services: Dummy) -> SupervisedPlatform:
    backend = ProcessBackend(services={one.name: one for one in services}, engines=no_engines)
    return backend.up(topology, data_dir=folder / "data", log_dir=folder / "logs", report=said.append)


def test_all_nodes_of_a_needed_service_are_ready_first_and_stopped_last(tmp_path: Path) -> None:
    needing, needed = Dummy(needs=("cassandra",)), Ring()
    said: list[str] = []
    platform = up(tmp_path, said, topology(needing, needed, count=2), needing, needed)
    layers = list(platform.instance.stop_layers())
    platform.down()
    assert [message.partition(" ready")[0].rpartition("-")[0] for message in said[:4]] == [
        *["cassandra-broker"] * 2,
        *["kafka-broker"] * 2,
    ]
    assert layers == [("kafka-broker-1", "kafka-broker-2"), ("cassandra-broker-1", "cassandra-broker-2")]


def test_a_node_is_launched_with_the_endpoints_of_what_its_service_needs_alone(tmp_path: Path) -> None:
    needing, needed, other = Dummy(needs=("cassandra",)), Ring(), Store()
    platform = up(tmp_path, [], topology(other, needing, needed), other, needing, needed)
    platform.down()
    _, endpoints = needing.launched["kafka-broker-1"]
    assert endpoints.services == (platform.endpoints.cassandra,)
    assert endpoints.cassandra.contact_points
    with pytest.raises(NoSuchService, match="no object_store; it has cassandra"):
        _ = endpoints.object_store
    assert needed.launched["cassandra-broker-1"][1].services == ()


def test_a_needed_service_that_is_missing_is_refused_before_anything_starts(tmp_path: Path) -> None:
    needing, needed = Dummy(needs=("cassandra", "mars")), Ring()
    with pytest.raises(InvalidInput) as refused:
        up(tmp_path, [], topology(needing), needing, needed)
    assert [str(problem) for problem in refused.value.problems] == [
        "topology needs: services: found no cassandra; allowed: cassandra, as kafka needs it",
        "topology needs: services: found no mars; allowed: mars, as kafka needs it",
    ]
    assert not (tmp_path / "data").exists()


def test_what_a_service_needs_may_be_there_without_nodes() -> None:
    needing, needed = Dummy(needs=("cassandra",)), Ring(needs_nodes=False)
    one = topology(needing)
    bare = one.model_copy(update={"services": {**one.services, "cassandra": {}}})
    check_topology(bare, {"kafka": needing, "cassandra": needed})


def test_the_services_can_be_started_in_some_order_and_so_can_their_roles() -> None:
    order = start_order({name: service.needs for name, service in SERVICES.items()})
    assert set(order) == set(SERVICES)
    for service in SERVICES.values():
        assert set(start_order({name: role.after for name, role in service.roles.items()})) == set(
            service.roles
        )


@pytest.mark.parametrize(
    ("needs", "told"),
    [
        ({"a": ("b",), "b": ("c",), "c": ("a",), "d": ()}, "services need each other in a cycle: "),
        ({"a": ("a",)}, "services need each other in a cycle: a -> a"),
        ({"a": ("b", "mars"), "b": ("io",)}, "unknown services are needed: io, mars"),
    ],
)
def test_a_circle_of_needs_and_a_need_of_nothing_are_refused(
    needs: dict[str, tuple[str, ...]], told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        start_order(needs)


@given(st.dictionaries(NAME, st.sets(NAME)))
def test_an_order_is_found_unless_services_need_each_other(wanted: dict[str, set[str]]) -> None:
    needs = {name: {one for one in needed if one in wanted} for name, needed in wanted.items()}
    try:
        order = start_order(needs)
    except ValueError:
        left = dict(needs)
        while startable := [name for name, needed in left.items() if not needed & left.keys()]:
            for name in startable:
                del left[name]
        assert left
    else:
        assert sorted(order) == sorted(needs)
        assert all(order.index(one) < order.index(name) for name, needed in needs.items() for one in needed)


@given(st.sets(NAME), st.dictionaries(NAME, st.sets(NAME)))
def test_what_is_missing_is_all_that_is_needed_and_not_there(
    present: set[str], needs: dict[str, set[str]]
) -> None:
    missing = set(missing_needs(present, needs))
    assert missing == {(a, b) for a in present for b in needs.get(a, ()) if b not in present}


def test_java_is_looked_for_only_where_a_service_needs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> JavaHome:
        raise PlatformError("no Java here")

    monkeypatch.setattr(plan, "find_java", none)
    native, jvm = Dummy(), Ring(needs_java=True)
    up(tmp_path, [], topology(native), native, jvm).down()
    assert native.launched["kafka-broker-1"][0].jvm is None
    with pytest.raises(PlatformError, match="no Java here"):
        up(tmp_path, [], topology(native, jvm), native, jvm)


def test_only_a_service_that_needs_java_sees_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    java = JavaHome(path=tmp_path, version="17")
    monkeypatch.setattr(plan, "find_java", lambda: java)
    native, jvm = Dummy(), Ring(needs_java=True)
    up(tmp_path, [], topology(native, jvm), native, jvm).down()
    clusters = [native.launched["kafka-broker-1"][0], jvm.launched["cassandra-broker-1"][0]]
    assert clusters[0].jvm is None
    assert (jvm_of(clusters[1]).java, jvm_of(clusters[1]).jit) == (java, "c2")
    with pytest.raises(PlatformError, match="needs Java, but its service does not declare needs_java"):
        jvm_of(clusters[0])


def test_each_region_has_clusters_and_endpoints_of_its_own(tmp_path: Path) -> None:
    needing, needed = Dummy(needs=("cassandra",)), Ring()
    two = topology(needing, needed, regions={"eu": ("a", "b"), "us": ("c",)})
    platform = up(tmp_path, [], two, needing, needed)
    platform.down()
    eu, us = platform.endpoints.in_region("eu"), platform.endpoints.in_region("us")
    assert platform.endpoints.kafka == eu.kafka != us.kafka
    here, there = (needing.launched[f"kafka-broker-{n}"] for n in (1, 2))
    assert (here[1].cassandra, there[1].cassandra) == (eu.cassandra, us.cassandra)
    assert [[node.name for node in cluster.nodes] for cluster, _ in (here, there)] == [
        ["kafka-broker-1"],
        ["kafka-broker-2"],
    ]
    assert here[0].id != there[0].id
    assert here[0].shared_dir != there[0].shared_dir
    waits = {name: place.waits_for for name, place in platform.instance.places.items()}
    assert waits["kafka-broker-1"] == ("cassandra-broker-1",)
    assert waits["kafka-broker-2"] == ("cassandra-broker-2",)


def test_nodes_of_all_regions_have_addresses_of_their_own() -> None:
    two = topology(Dummy(), Ring(), count=3, regions={"eu": ("a", "b"), "us": ("c",)})
    addresses = slot_addresses(two, 0)
    assert len(addresses) == len(set(addresses.values())) == 12
    assert addresses.keys() == ports(two, {"kafka": Dummy(), "cassandra": Ring()}).keys()
