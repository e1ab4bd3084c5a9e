from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from harness.base.errors import InvalidInput
from harness.scenario.topology import RoleSpec, Topology
from harness.validate.topology_file import load_topology, topology_files
from tests.core.scenario_parts import FIXTURES, WORDS

TINY = FIXTURES / "topologies" / "tiny.yaml"


def test_nodes_are_spread_over_the_zones_in_turn() -> None:
    assert [node.zone for node in load_topology(str(TINY), WORDS).nodes() if node.service == "kafka"] == [
        "a",
        "b",
        "c",
    ]


def test_the_products_topologies_are_valid() -> None:
    assert [load_topology(name).name for name in topology_files()] == list(topology_files())


def test_a_topology_beside_the_scenario_hides_the_products() -> None:
    assert topology_files(FIXTURES)["tiny"] == TINY


def test_the_full_scale_is_stated_as_data() -> None:
    seed = load_topology("seed")
    nodes = seed.nodes()
    brokers = Counter(node.zone for node in nodes if node.service == "kafka")
    assert brokers == {"a": 8, "b": 8, "c": 8}
    racks = Counter(node.zone for node in nodes if node.service == "cassandra")
    assert racks == {"a": 6, "b": 6, "c": 6}
    slots = 2 * sum(node.role == "taskmanager" for node in nodes)
    assert slots == 120  # one for each partition
    assert seed.services.keys() == {"kafka", "flink", "cassandra", "object_store", "spark"}


def test_every_region_has_all_services_in_its_own_zones() -> None:
    topology = Topology(
        name="two",
        zones=("a", "b", "c"),
        regions={"eu": ("a", "b"), "us": ("c",)},
        services={"kafka": {"broker": RoleSpec(count=3, memory=1)}},
    )
    assert [(node.name, node.region, node.zone, node.index) for node in topology.nodes()] == [
        ("kafka-broker-1", "eu", "a", 0),
        ("kafka-broker-2", "eu", "b", 1),
        ("kafka-broker-3", "eu", "a", 2),
        ("kafka-broker-4", "us", "c", 0),
        ("kafka-broker-5", "us", "c", 1),
        ("kafka-broker-6", "us", "c", 2),
    ]


def test_the_first_region_is_home() -> None:
    broker = {"broker": RoleSpec(count=2, memory=1)}
    regions = {"us": ("c",), "eu": ("a", "b")}
    two = Topology(name="two", zones=("a", "b", "c"), regions=regions, services={"kafka": broker})
    assert [node.name for node in two.at_home("kafka")] == ["kafka-broker-1", "kafka-broker-2"]
    assert {node.zone for node in two.at_home("kafka")} == {"c"}
    assert two.at_home("flink") == ()


def test_without_regions_all_zones_are_one() -> None:
    assert {node.region for node in load_topology(str(TINY), WORDS).nodes()} == {"home"}


@pytest.mark.parametrize("regions", ["{eu: [a, b]}", "{eu: [a, b], us: [b, c]}", "{eu: [a, b, c], us: []}"])
def test_a_zone_without_its_one_region_is_refused(regions: str, tmp_path: Path) -> None:
    spoilt = tmp_path / "spoilt.yaml"
    spoilt.write_text(TINY.read_text() + f"regions: {regions}\n")
    with pytest.raises(InvalidInput, match="allowed: regions that list each zone exactly once"):
        load_topology(str(spoilt), WORDS)


def test_a_region_is_named_as_a_folder_may_be(tmp_path: Path) -> None:
    spoilt = tmp_path / "spoilt.yaml"
    spoilt.write_text(TINY.read_text() + "regions: {../eu: [a, b, c]}\n")
    with pytest.raises(InvalidInput, match=r"regions.*found \.\./eu; allowed: String should match pattern"):
        load_topology(str(spoilt), WORDS)


def test_the_old_word_of_a_size_is_refused_with_the_new_one(tmp_path: Path) -> None:
    old = tmp_path / "old.yaml"
    old.write_text(TINY.read_text().replace("node: {count: 3, memory:", "node: {count: 3, heap:"))
    with pytest.raises(InvalidInput) as refused:
        load_topology(str(old), WORDS)
    assert [str(problem).removeprefix(f"{tmp_path}/") for problem in refused.value.problems] == [
        "old.yaml:10: services.cassandra.node.heap: found heap; allowed: memory, as it is called now"
    ]


def test_a_service_that_another_needs_is_missed_at_its_line(tmp_path: Path) -> None:
    words = replace(WORDS, needs={"kafka": ("cassandra", "zookeeper"), "druid": ("mars",)})
    with pytest.raises(InvalidInput) as refused:
        load_topology(str(TINY), words)
    assert [str(problem).partition("tiny.yaml")[2] for problem in refused.value.problems] == [
        ":3: services: found no zookeeper; allowed: zookeeper, as kafka needs it"
    ]


@pytest.mark.parametrize("name", ["tinny", "../tiny", "/etc/passwd/x"])
def test_a_topology_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="quickstart"):
        load_topology(name, WORDS)


def test_every_problem_of_a_file_is_told(tmp_path: Path) -> None:
    spoilt = tmp_path / "spoilt.yaml"
    spoilt.write_text(
        TINY.read_text()
        .replace("broker: {count: 3", "broker: {count: 0")
        .replace("zones: [a, b, c]", "zones: []")
    )
    with pytest.raises(InvalidInput) as refused:
        load_topology(str(spoilt), WORDS)
    assert [problem.where.split(": ")[1] for problem in refused.value.problems] == [
        "zones",
        "services.kafka.broker.count",
    ]
