"""Each kind of fault has its parameters, its targets, and what it needs of a backend and before the start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.backends.memory import MemoryPlatform
from harness.backends.protocol import Preparation
from harness.backends.registry import BACKENDS
from harness.base.errors import InvalidInput, PlatformError
from harness.faults.conductor import Conductor
from harness.faults.protocol import Fault
from harness.faults.registry import FAULTS
from harness.faults.schedule import prepared, schedule
from harness.history.course import FaultLine, fault_spans
from harness.judge.checks.recovery.faults_carried_out import FaultsCarriedOut
from harness.judge.measure.measurement import Count, Unjudged
from harness.scenario.faults import FaultSpec, Target, targets_of
from harness.scenario.model import Scenario
from harness.scenario.phases import PhaseName
from harness.validate.scenario_file import load_scenario, scenario_schema
from harness.validate.vocabulary import Vocabulary, vocabulary
from tests.core.fault_parts import ABLE, MORE, ZONES, Fill
from tests.core.histories import fault, history, scenario
from tests.core.scenario_parts import RIDES, WORDS

AT = {"at": "13s", "heal_after": "4s"}
FILL = {"kind": "fill", "zones": ["b"], "services": ["kafka"], "leave": "10MiB", **AT}


def loaded(*faults: Mapping[str, object], words: Vocabulary = ABLE) -> Scenario:
    return load_scenario(RIDES, overrides={"faults": list(faults)}, words=words)


def refused(*faults: Mapping[str, object], words: Vocabulary = ABLE) -> list[str]:
    with pytest.raises(InvalidInput) as error:
        loaded(*faults, words=words)
    return [f"{p.where.split(': ')[-1]}: found {p.found}; allowed: {p.allowed}" for p in error.value.problems]


def spec(kind: str = "kill", **fields: Any) -> FaultSpec:
    return FaultSpec(kind=kind, at=20.0, heal_after=10.0, **fields)


def test_parameters_are_read_with_their_units_and_recorded_in_base_units() -> None:
    (filled,) = loaded(FILL).faults
    assert filled == FaultSpec(
        kind="fill",
        zones=("b",),
        services=("kafka",),
        at=13.0,
        heal_after=4.0,
        parameters={"leave": 10 * 2**20, "over": 0.0},
    )


def test_a_saved_fault_reads_back_as_it_was() -> None:
    saved = loaded(FILL, {"kind": "kill", "targets": ["kafka-broker-1"], "at": "14s", "heal_after": "1s"})
    assert Scenario.model_validate_json(saved.model_dump_json()) == saved


@given(leave=st.integers(0, 2**50), over=st.floats(0, 1e6))
def test_a_fault_is_the_same_after_it_was_a_plain_value(leave: int, over: float) -> None:
    fill = Fill(targets=("kafka-broker-1",), leave=leave, over=over, at=1.0, heal_after=2.0)
    recorded = FaultSpec.model_validate_json(FaultSpec.of(fill).model_dump_json())
    assert Fill.of(recorded) == fill


def test_a_fault_recorded_before_there_were_parameters_is_read() -> None:
    recorded = {"kind": "kill", "targets": ["kafka-broker-2"], "at": 13.0, "heal_after": 4.0}
    assert FaultSpec.model_validate_json(orjson.dumps(recorded)).parameters == {}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"leave": 10}, "faults[0].leave: found 10; allowed: a size with its unit"),
        ({"leave": None}, "faults[0].leave: found null; allowed: a size with its unit"),
        ({"leaf": "1MiB"}, "faults[0].leaf: found unknown field leaf; allowed: did you mean leave?"),
        ({"zones": ["d"]}, "faults[0].zones[0]: found d; allowed: one of a, b, c"),
        ({"zones": ["b", "b"]}, "faults[0].zones[1]: found b again; allowed: each zone once"),
        ({"services": ["kafkas"]}, "faults[0].services[0]: found kafkas; allowed: did you mean kafka?"),
        ({"zones": ["c"], "services": ["flink"]}, "faults[0].zones[0]: found c, which has no node of flink;"),
        ({"zones": []}, "faults[0].services: found kafka; allowed: none without zones"),
        ({"zones": [], "services": []}, "faults[0].targets: found missing; allowed: at least one target"),
        ({"targets": ["hot-writer-1"]}, "faults[0].targets[0]: found hot-writer-1; allowed: one of cassa"),
        ({"between": [["a", "b"]]}, "faults[0].between: found between; allowed: none: fill takes nodes, zon"),
        ({"kind": "cut"}, "faults[0].leave: found unknown field leave; allowed: one of at, between,"),
    ],
    ids=str,
)  # fmt: skip
def test_a_mistake_in_parameters_or_targets_is_refused(changes: dict[str, object], problem: str) -> None:
    found = refused({**FILL, **changes})
    assert any(one.startswith(problem) for one in found), found


@pytest.mark.parametrize(
    ("between", "problem"),
    [
        ([["a", "b"], ["b", "a"]], "faults[0].between[1]: found b and a again; allowed: each pair once"),
        ([["a", "x"]], "faults[0].between[0][1]: found x; allowed: one of a,"),
        (
            [["kafka-broker-1"] * 2],
            "faults[0].between[0]: found kafka-broker-1 and kafka-broker-1, with nothing between them",
        ),
        ([["a"]], "faults[0].between[0][1]: found missing"),
        ([], "faults[0].targets: found missing"),
    ],
)  # fmt: skip
def test_pairs_have_two_ends_that_exist(between: list[list[str]], problem: str) -> None:
    found = refused({"kind": "cut", "between": between, **AT})
    assert any(one.startswith(problem) for one in found), found


def test_a_fault_that_the_backend_cannot_do_is_refused_with_the_backends_that_can() -> None:
    (problem,) = refused(FILL, words=replace(ABLE, backend="process"))
    assert problem == (
        "faults[0].kind: found fill, which needs disks; allowed: "
        "kill, pause, skew on the backend process; --backend able"
    )
    loaded(FILL, words=ABLE)


def test_a_fault_that_no_backend_can_do_says_so() -> None:
    (problem,) = refused(FILL, words=replace(WORDS, faults=MORE))
    assert problem.endswith("kill, pause, skew on the backend process; no backend has that yet")


def test_every_registered_fault_can_be_done_somewhere_and_the_backend_is_one_of_the_words() -> None:
    words = vocabulary("process")
    assert (words.backend, set(words.capabilities)) == ("process", set(BACKENDS))
    for kind in FAULTS.values():
        assert any(kind.requires <= capabilities for capabilities in words.capabilities.values())


def test_an_unknown_backend_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"--backend: found moon; allowed: process"):
        vocabulary("moon")


def test_two_faults_that_hold_one_node_of_a_zone_are_refused() -> None:
    kill = {"kind": "kill", "targets": ["kafka-broker-2"], **AT}
    assert refused(kill, FILL) == [
        "faults[1].zones: found kafka-broker-2, while faults[0] holds it; "
        "allowed: one fault at a time for each target"
    ]


@pytest.mark.parametrize(
    ("fields", "nodes"),
    [
        ({"targets": ("kafka-broker-2",)}, ["kafka-broker-2"]),
        ({"zones": ("b",)}, ["kafka-broker-2", "kafka-broker-4", "flink-taskmanager-2"]),
        ({"zones": ("b",), "services": ("kafka",)}, ["kafka-broker-2", "kafka-broker-4"]),
        (
            {"zones": ("b",), "services": ("kafka",), "targets": ("hot-writer-1", "kafka-broker-4")},
            ["hot-writer-1", "kafka-broker-4", "kafka-broker-2"],
        ),
    ],
)
def test_zones_stand_for_their_nodes(fields: dict[str, Any], nodes: list[str]) -> None:
    assert [*targets_of(spec(**fields), ZONES)] == [Target(node) for node in nodes]


@pytest.mark.parametrize(
    ("first", "second", "pairs"),
    [
        ("kafka-broker-1", "kafka-broker-2", {("kafka-broker-1", "kafka-broker-2")}),
        ("kafka-broker-1", "a", {("kafka-broker-1", "kafka-broker-3")}),
        ("a", "b", {(f"kafka-broker-{n}", f"kafka-broker-{m}") for n in (1, 3) for m in (2, 4)}),
    ],
)
def test_pairs_of_zones_stand_for_every_pair_of_their_nodes(
    first: str, second: str, pairs: set[tuple[str, str]]
) -> None:
    found = targets_of(spec("cut", between=((first, second),), services=("kafka",)), ZONES)
    assert {target.nodes for target in found} == pairs


class Asked(MemoryPlatform):
    """Notes also what the faults of tests ask."""

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: self._did.append(" ".join(map(str, (name, *arguments))))


def conducted(*specs: FaultSpec) -> tuple[list[str], list[dict[str, Any]]]:
    """What the platform was asked, and what was recorded."""
    lines: list[dict[str, Any]] = []

    def record(line: dict[str, object], phase: PhaseName) -> None:
        lines.append({"at_ns": len(lines), **line})

    platform = Asked(ZONES, [])
    conductor = Conductor(platform=platform, record=record, report=lambda _: None)
    for step in schedule(specs, ZONES, MORE):
        conductor.begin(step)
    conductor.heal_all()
    return platform._did, lines


def test_a_fault_acts_with_its_parameters_and_both_are_on_record() -> None:
    parameters = {"leave": 5, "over": 1.0}
    did, lines = conducted(spec("fill", zones=("b",), services=("kafka",), parameters=parameters))
    assert sorted(did[:2]) == ["fill kafka-broker-2 5", "fill kafka-broker-4 5"]
    (span,) = fault_spans([FaultLine.model_validate_json(orjson.dumps(line)) for line in lines])
    assert (span.nodes, span.parameters) == (("kafka-broker-2", "kafka-broker-4"), parameters)
    assert span.states == ({"kafka-broker-2": "full", "kafka-broker-4": "full"},) * 2


def test_a_fault_without_parameters_is_recorded_as_it_ever_was() -> None:
    _, lines = conducted(spec(targets=("kafka-broker-1",)))
    assert {*lines[0]} == {"at_ns", "fault", "kind", "action", "nodes", "ok", "detail"}


def test_a_fault_of_pairs_is_given_both_ends() -> None:
    did, lines = conducted(spec("cut", between=(("kafka-broker-1", "kafka-broker-2"),)))
    assert did == ["cut kafka-broker-1 kafka-broker-2", "join kafka-broker-1 kafka-broker-2"]
    assert {(*line["nodes"],) for line in lines} == {("kafka-broker-1", "kafka-broker-2")}


def skew(by: float, *nodes: str) -> FaultSpec:
    return spec("skew", targets=nodes, parameters={"by": by})


def test_what_faults_prepare_is_put_together() -> None:
    assert prepared([skew(3, "a"), spec(targets=("b",)), skew(3, "a", "c")], ZONES, MORE) == Preparation(
        env={"a": {"SKEW": "3"}, "c": {"SKEW": "3"}}
    )


def test_faults_that_prepare_one_node_differently_are_refused() -> None:
    with pytest.raises(PlatformError, match="two faults prepare a differently: SKEW is '3' and '4'"):
        prepared([skew(3, "a"), skew(4, "a")], ZONES, MORE)


@pytest.mark.parametrize("kind", FAULTS)
def test_what_can_be_injected_at_any_time_prepares_nothing(kind: str) -> None:
    assert prepared([spec(kind, targets=("kafka-broker-1",))], ZONES, FAULTS) == Preparation()


PLANNED = spec("fill", zones=("b",), services=("kafka",), parameters={"leave": 5})


def judged(planned: FaultSpec, nodes: list[str], look: str = "full", **fields: Any) -> object:
    of = scenario(faults=(planned,)).model_copy(update={"topology": ZONES})
    course = {"kind": planned.kind, "nodes": nodes, **fields}
    states = dict.fromkeys(nodes, look)
    lines = (
        fault(20, "inject", **course),
        fault(21, "look", states=states, **course),
        fault(30, "heal", **course),
    )
    return FaultsCarriedOut().measure(history(of=of, faults=lines))


@pytest.fixture
def more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.judge.checks.recovery.faults_carried_out.FAULTS", MORE)


BOTH = ["kafka-broker-2", "kafka-broker-4"]


@pytest.mark.usefixtures("more")
def test_a_fault_at_a_zone_was_carried_out_at_all_of_its_nodes() -> None:
    assert judged(PLANNED, BOTH, parameters={"leave": 5}) == Count(value=0, detail="of 1 faults")


@pytest.mark.usefixtures("more")
@pytest.mark.parametrize(
    ("planned", "nodes", "fields", "reason"),
    [
        (PLANNED, BOTH[:1], {"parameters": {"leave": 5}}, f"fill {', '.join(BOTH)} was not injected"),
        (PLANNED, BOTH, {}, f"fill {', '.join(BOTH)} was injected with {{}}, not with {{'leave': 5}}"),
        (PLANNED, BOTH, {"parameters": {"leave": 6}}, f"fill {', '.join(BOTH)} was injected with {{'leav"),
        (PLANNED, BOTH, {"parameters": {"leave": 5}, "look": "free"}, f"fill {', '.join(BOTH)}: the record"),
        (spec("fill", zones=("x",)), [], {}, "fill has no targets"),
    ],
)  # fmt: skip
def test_a_fault_that_was_not_carried_out_as_planned_is_not_believed(
    planned: FaultSpec, nodes: list[str], fields: dict[str, Any], reason: str
) -> None:
    measured = judged(planned, nodes, **fields)
    assert isinstance(measured, Unjudged)
    assert measured.reason.startswith(reason)


def test_the_schema_has_the_fields_of_each_kind() -> None:
    kinds = scenario_schema()["properties"]["faults"]["items"]["oneOf"]
    assert [kind["properties"]["kind"]["const"] for kind in kinds] == [*FAULTS]
    assert "parameters" not in kinds[0]["properties"]


@pytest.mark.parametrize("kind", FAULTS.values(), ids=FAULTS)
def test_every_fault_describes_itself(kind: type[Fault]) -> None:
    assert kind.describes
    assert kind.takes
    assert kind.colour.startswith("#")
    assert "{nodes}" in kind.shows.lacking
