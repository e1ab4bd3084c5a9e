"""Generated traces: what is drawn, that it is drawn again, and what is refused."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.base.errors import InvalidInput
from harness.load.plan.cached import build_plan
from harness.load.plan.file import PlanFile
from harness.load.traces.generate.draws import ZipfRanks
from harness.load.traces.generate.events import CHUNK_EVENTS, EventGenerator, payloads_of
from harness.load.traces.generate.model import Generate, Popularity, Sessions
from harness.load.traces.mapping import read_mapping
from harness.scenario.model import Inject, Load
from tests.core.contract_judge import keeps_contract
from tests.core.scenario_parts import rides

REPOSITORY = Path(__file__).parents[2]
seeds = st.integers(0, 2**32 - 1)
generates = st.builds(
    Generate,
    entities=st.integers(2, 1000),
    popularity=st.builds(Popularity, zipf=st.sampled_from([0.0, 0.5, 1.0, 2.5])),
    hot_key=st.sampled_from([0.0, 0.2, 1.0]),
    categories=st.integers(1, 20),
    event_types=st.sampled_from([{"view": 1.0}, {"view": 0.5, "buy": 0.5}]),
    sessions=st.builds(Sessions, length=st.sampled_from([1.0, 8.0, 1000.0])),
    schema_versions=st.sampled_from([{"1": 1.0}, {"1": 0.9, "2": 0.1}]),
)
MAPPING = """generate:
  entities: 50
  popularity: {zipf: 1.1}
  event_types: {view: 70%, click: 30%}
"""


def chunk(generate: Generate, seed: int = 1, number: int = 0) -> pa.RecordBatch:
    return EventGenerator(generate, seed=seed).chunk(number)


def shares(events: pa.RecordBatch, column: str) -> dict[str, float]:
    return {
        str(name): count / len(events) for name, count in Counter(events.column(column).to_pylist()).items()
    }


@settings(max_examples=5, deadline=None)
@given(generates, seeds, st.integers(0, 2000))
def test_a_chunk_depends_on_the_seed_and_its_number_alone(generate: Generate, seed: int, number: int) -> None:
    generator = EventGenerator(generate, seed=seed)
    generator.chunk(number + 1)
    assert generator.chunk(number).equals(chunk(generate, seed, number))
    assert not generator.chunk(number).equals(chunk(generate, seed + 1, number))


@settings(max_examples=5, deadline=None)
@given(generates, seeds, st.integers(1, 2 * CHUNK_EVENTS))
def test_a_shorter_trace_is_the_beginning_of_a_longer_one(generate: Generate, seed: int, events: int) -> None:
    generator = EventGenerator(generate, seed=seed)
    found = pa.Table.from_batches(generator.chunks(events))
    assert found["number"].equals(pa.chunked_array([range(events)]))
    assert found.equals(pa.Table.from_batches(generator.chunks(2 * CHUNK_EVENTS)).slice(0, events))


@settings(max_examples=5, deadline=None)
@given(generates, seeds, st.integers(0, 2000))
def test_every_payload_keeps_the_contract_and_says_what_the_columns_say(
    generate: Generate, seed: int, number: int
) -> None:
    events = chunk(generate, seed, number).slice(0, 500)
    for row, payload in zip(events.to_pylist(), payloads_of(events), strict=True):
        assert keeps_contract(payload)
        del row["number"]
        assert json.loads(payload) == {**row, "attributes": json.loads(row["attributes"])}


@settings(max_examples=5, deadline=None)
@given(generates, seeds)
def test_identities_are_unique(generate: Generate, seed: int) -> None:
    found = pa.Table.from_batches(EventGenerator(generate, seed=seed).chunks(2 * CHUNK_EVENTS))
    assert len(set(found["event_id"].to_pylist())) == 2 * CHUNK_EVENTS


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 200), st.floats(0, 3))
def test_ranks_are_drawn_by_zipfs_law(count: int, exponent: float) -> None:
    evenly = (np.arange(200_000) + 0.5) / 200_000
    found = np.bincount(ZipfRanks(count, exponent).drawn(evenly), minlength=count) / len(evenly)
    weights = np.arange(1, count + 1) ** -exponent
    assert found == pytest.approx(weights / weights.sum(), abs=1e-5)


@settings(max_examples=5, deadline=None)
@given(seeds)
def test_the_hot_key_takes_its_share(seed: int) -> None:
    found = shares(chunk(Generate(entities=1000, hot_key=0.2), seed), "entity_id")
    assert found.pop("entity-0") == pytest.approx(0.2, abs=0.01)
    assert max(found.values()) < 0.01


@settings(max_examples=5, deadline=None)
@given(seeds)
def test_types_and_versions_have_their_shares(seed: int) -> None:
    generate = Generate(
        entities=10, event_types={"view": 0.7, "buy": 0.3}, schema_versions={"1": 0.9, "2": 0.1}
    )
    events = chunk(generate, seed)
    versions = Counter(json.loads(text)["schema_version"] for text in events.column("attributes").to_pylist())
    assert shares(events, "event_type")["buy"] == pytest.approx(0.3, abs=0.01)
    assert versions["2"] / len(events) == pytest.approx(0.1, abs=0.01)


def test_the_second_version_has_an_attribute_more() -> None:
    carried = [json.loads(text) for text in set(_attributes({"1": 0.5, "2": 0.5}))]
    assert {(a["schema_version"], "channel" in a) for a in carried} == {("1", False), ("2", True)}


def _attributes(versions: dict[str, float]) -> list[str]:
    found: list[str] = chunk(Generate(entities=1, schema_versions=versions)).column("attributes").to_pylist()
    return found


@pytest.mark.parametrize("length", [1.0, 8.0, 100.0])
def test_sessions_have_their_length_on_average(length: float) -> None:
    sessions = Counter(_sessions(length))
    assert CHUNK_EVENTS / len(sessions) == pytest.approx(length, rel=0.15)


def test_a_session_is_of_one_entity_and_close_together() -> None:
    events = chunk(Generate(entities=1000, sessions=Sessions(length=8)))
    places: dict[str, list[int]] = {}
    entities: dict[str, set[str]] = {}
    for place, row in enumerate(events.select(["reference_id", "entity_id"]).to_pylist()):
        places.setdefault(row["reference_id"], []).append(place)
        entities.setdefault(row["reference_id"], set()).add(row["entity_id"])
    gaps = [later - sooner for found in places.values() for sooner, later in pairwise(found)]
    assert np.median(gaps) < 32
    assert all(len(found) == 1 for found in entities.values())


def _sessions(length: float) -> list[str]:
    events = chunk(Generate(entities=1000, sessions=Sessions(length=length)))
    found: list[str] = events.column("reference_id").to_pylist()
    return found


def planned(events: int | None, seed: int = 1, inject: Inject | None = None) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as name:
        return pq.read_table(plan_of(Path(name), events, seed, inject).path).to_pylist()


def plan_of(folder: Path, events: int | None, seed: int = 1, inject: Inject | None = None) -> PlanFile:
    (folder / "m.yaml").write_text(MAPPING)
    load = Load(
        trace=folder / "m.yaml", events=events, event_span=3600, duration=30, inject=inject or Inject()
    )
    scenario = rides(seed=seed).model_copy(update={"load": load})
    return build_plan(scenario, cache=folder, report=lambda _: None)


def test_a_plan_has_just_so_many_generated_events_evenly_over_the_span() -> None:
    valid = [row for row in planned(events=101) if row["kind"] == "valid"]
    assert [row["event_offset_ms"] for row in valid] == [36_000 * n for n in range(101)]
    assert all(keeps_contract(row["payload"]) for row in valid)
    expected = EventGenerator(Generate.model_validate(_written()), seed=1).chunk(0).slice(0, 101)
    assert [row["entity_id"] for row in valid] == expected.column("entity_id").to_pylist()


def _written() -> dict[str, Any]:
    return {
        "entities": 50,
        "popularity": {"zipf": 1.1},
        "event_types": {"view": 0.7, "click": 0.3},
    }


def test_what_is_mixed_into_a_file_is_mixed_into_generated_events() -> None:
    kinds = Counter(row["kind"] for row in planned(events=100, inject=Inject(malformed=0.1, duplicate=0.2)))
    assert (kinds["valid"], kinds["malformed"], kinds["duplicate"]) == (100, 10, 20)


def test_the_seed_is_part_of_a_generated_plans_key(tmp_path: Path) -> None:
    assert plan_of(tmp_path, 10, seed=1).key != plan_of(tmp_path, 10, seed=2).key


def test_without_a_number_of_events_nothing_is_generated() -> None:
    with pytest.raises(InvalidInput, match=r"m\.yaml:1: generate: found no number of events"):
        planned(events=None)


@pytest.mark.parametrize("name", ["visits", "hot-key"])
def test_the_generators_that_come_with_the_product_are_right(name: str) -> None:
    read_mapping(REPOSITORY / "scenarios" / "traces" / f"{name}.yaml")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("entities: 50", "entities: 0", "2: generate.entities: found 0"),
        ("zipf: 1.1", "zipf: -1", "3: generate.popularity.zipf: found -1"),
        ("zipf: 1.1", "zipff: 1", "3: generate.popularity.zipff: found unknown field zipff"),
        ("click: 30%", "click: 20%", "4: generate.event_types: found {view: 70%"),
        ("click: 30%", "Click!: 30%", "4: generate.event_types: found {view: 70%"),
        ("click: 30%", "click: 0.3", "4: generate.event_types.click: found 0.3"),
        ("{view: 70%, click: 30%}", "{}", "4: generate.event_types: found {}"),
        ("generate:", "file: x.csv\ngenerate:", "1: file: found unknown field file"),
        ("  entities", "  schema_versions: {one: 100%}\n  entities", "2: generate.schema_versions: found"),
        ("  entities", "  sessions: {length: 0.5}\n  entities", "2: generate.sessions.length: found 0.5"),
    ],
)
def test_a_mistake_in_a_generator_is_told(tmp_path: Path, old: str, new: str, told: str) -> None:
    (tmp_path / "m.yaml").write_text(MAPPING.replace(old, new))
    with pytest.raises(InvalidInput) as refused:
        read_mapping(tmp_path / "m.yaml")
    problems = [str(problem).removeprefix(f"{tmp_path}/m.yaml:") for problem in refused.value.problems]
    assert any(problem.startswith(told) for problem in problems), problems


def test_a_hot_key_needs_others_beside_it(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(MAPPING.replace("entities: 50", "entities: 1\n  hot_key: 20%"))
    with pytest.raises(InvalidInput, match="at least two entities"):
        read_mapping(tmp_path / "m.yaml")
