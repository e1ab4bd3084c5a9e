from __future__ import annotations

from pathlib import Path

import pytest

from harness.base.errors import InvalidInput
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
