from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.base.errors import InvalidInput
from harness.base.files import SCENARIOS
from harness.scenario.model import Load, Scenario
from harness.scenario.profiles.ramp import Ramp
from harness.validate.scenario_file import load_many, load_scenario, scenario_schema
from tests.core.scenario_parts import RIDES, WORDS, problems_of, rides


def test_a_scenario_is_loaded_with_its_topology_by_name() -> None:
    assert [node.name for node in rides().topology.nodes()][:2] == ["kafka-broker-1", "kafka-broker-2"]


def test_durations_of_the_pipeline_are_seconds() -> None:
    assert rides().pipeline.stream.checkpoint_interval_s == pytest.approx(1.0)


def test_the_time_scale_follows_from_span_and_duration() -> None:
    assert rides().load.time_scale == pytest.approx(120.0)


def test_a_profile_is_read_by_its_kind() -> None:
    load = rides(load__profile={"kind": "ramp", "start": "1/s", "end": "2k/s"}, load__arrivals="poisson").load
    assert (load.profile, load.arrivals) == (Ramp(start=1, end=2000), "poisson")
    assert Load.model_validate_json(load.model_dump_json()) == load


def test_without_a_profile_the_traces_own_times_decide() -> None:
    assert rides().load.curve is None


def test_the_trace_is_found_from_the_scenarios_own_folder() -> None:
    assert rides().load.trace.is_absolute()
    assert rides().load.trace.is_file()


def test_a_seed_replaces_the_files() -> None:
    assert load_scenario(RIDES, seed=99, words=WORDS).seed == 99


def test_a_saved_scenario_reads_back() -> None:
    assert Scenario.model_validate_json(rides().model_dump_json()) == rides()


# Each of these is one mistake, and the start of the one line that must tell it.
MISTAKES = [
    ("seed: 7", "seed: -7", "3: seed: found -7"),
    ("seed: 7", "seed: 7.5", "3: seed: found 7.5"),
    ("seed: 7", 'seed: "7"', "3: seed: found '7'"),
    ("name: rides", "name: Rides!", "1: name: found Rides!"),
    ("users: 2", "user: 2", "13: load.user: found unknown field user; allowed: did you mean"),
    ("warm_up: 5s", "warmup: 5s", "15: warmup: found unknown field warmup; allowed: did"),
    ("duration: 30s", "duration: 30", "12: load.duration: found 30; allowed: a duration with"),
    ("malformed: 50%", "malformed: 0.5", "14: load.inject.malformed: found 0.5"),
    ("malformed: 50%", "malformed: 150%", "14: load.inject.malformed: found 150%"),
    ("seed: 7", "seed: 7\nseed: 8", "4: seed: found again, after line 3"),
    ("users: 2", "users: 2\n  acks: 1", "14: load.acks: found 1; allowed: 'all' or '1'"),
    ("users: 2", "users: 2\n  readers: {rate: 3, weights: {hot_point: 1}}", "14: load.readers.rate: found 3"),
    ("users: 2", "users: 2\n  readers: {rate: 0/s, weights: {hot_point: 1}}", "14: load.readers.rate: found"),
    ("users: 2", "users: 2\n  readers: {rate: 3/s, weights: {}}", "14: load.readers.weights: found"),
    ("users: 2", "users: 2\n  readers: {rate: 3/s, weights: {hot_pint: 1}}", "14: load.readers.weights.hot_"),
    ("users: 2", "users: 2\n  readers: {rate: 3/s, weights: {hot_point: 0}}", "14: load.readers.weights.hot"),
    ("event_span: 1h", "event_span: 29s", "11: load.event_span: found 29 s of events in 30 s"),
    ("duration: 30s", "duration: 0s", "11: load.event_span: found 3600 s of events in 0 s"),
    ("event_span: 1h", "event_span: 7d", "11: load.event_span: found 604800 s, so that"),
    ("traces/rides.yaml", "traces/none.yaml", "10: load.trace: found traces/none.yaml"),
    ("topology: tiny", "topology: tinny", "4: topology: found tinny; allowed: a topology: did"),
    ("topology: tiny", "topology: 3", "4: topology: found 3"),
    ("topology: tiny\n", "", "1: topology: found missing"),
    ("checkpoint_interval:", "checkpoint_interval_s:", "6: pipeline.stream.checkpoint_interval_s: "),
    ("checkpoint_interval: 1s", "checkpoint_interval: 0s", "6: pipeline.stream.checkpoint_interval: found"),
    ("writers: 2", "writers: 2, ttl: 1500ms", "7: pipeline.hot.ttl: found 1500ms; allowed: a"),
    ("users: 2", "path: record_batches", "13: load.path: found record_batches; allowed: events, or record_b"),
    ("check: duplicates", "check: out_of_order", "20: expect[0].check: found out_of_order; allowed: another"),
    ("partitions: 3", "partitions: 0", "8: pipeline.topics.partitions: found 0"),
    ("partitions: 3", "partitions: 3, min_insync_replicas: 4", "8: pipeline.topics.min_insync_replicas: "),
    ("kind: kill", "kind: kil", "17: faults[0].kind: found kil; allowed: did you mean kill?"),
    ("[kafka-broker-2]", "[kafka-broker-4]", "17: faults[0].targets[0]: found kafka-broker-4"),
    ("[kafka-broker-2]", "[]", "17: faults[0].targets: found []"),
    ("[kafka-broker-2]", "[kafka-broker-2, kafka-broker-2]", "17: faults[0].targets[1]: found"),
    ("hot-writer-2", "hot-writer-3", "18: faults[1].targets[0]: found hot-writer-3"),
    ("hot-writer-2", "kafka-broker-2", "18: faults[1].targets: found kafka-broker-2, while faults[0]"),
    ("at: 13s", "at: 31s", "17: faults[0].at: found 31 s"),
    ("at: 13s", "at: 12s", "17: faults[0].at: found 12 s; allowed: 13 s or later (8 s after the warm-up)"),
    ("at: 13s", "at: 27s", "17: faults[0].heal_after: found 4 s, so that it heals at 31 s"),
    ("check: duplicates", "check: duplicate", "20: expect[0].check: found duplicate; allowed"),
    ("check: freshness_windows", "check: duplicates", "22: expect[1].check: found duplicates again"),
    ("count == 0", "count = 0", "21: expect[0].thresholds[0]: found count = 0"),
    ("count == 0", "max == 0", "21: expect[0].thresholds[0]: found max == 0; allowed"),
    ("p(50) < 1s", "p(50) < 1", "23: expect[1].thresholds[0]: found p(50) < 1; allowed: a limit in the"),
    ("users: 2", "arrivals: even", "13: load.arrivals: found even; allowed: none with the profile trace"),
    ("users: 2", "arrivals: odd", "13: load.arrivals: found odd; allowed: 'even' or 'poisson'"),
    ("warm_up: 5s", "expect_fail: [duplicate]", "15: expect_fail[0]: found duplicate"),
    ("malformed: 50%", "conflict: 0.5", "14: load.inject.conflict: found 0.5"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "told"), MISTAKES, ids=[new.strip() for _, new, _ in MISTAKES])
def test_a_mistake_is_told(tmp_path: Path, old: str, new: str, told: str) -> None:
    problems = problems_of(tmp_path, old, new)
    assert any(problem.startswith(told) for problem in problems), problems


# The same for profiles: what stands after ``profile:``, and what is told of line 13.
PROFILE_MISTAKES = [
    ("3", ": found 3; allowed: a mapping of fields"),
    ("{kind: flash}", ".kind: found flash; allowed: did you mean flash_crowd? one of burst, constant,"),
    ("{rate: 1/s}", ".kind: found missing; allowed: one of burst, constant,"),
    ("{kind: ramp, start: 1/s}", ".end: found missing"),
    ("{kind: ramp, star: 1/s}", ".star: found unknown field star; allowed: did you mean start?"),
    ("{kind: constant, rate: 9}", ".rate: found 9; allowed: a rate with its unit"),
    ("{kind: step, rates: [1/s, 2]}", ".rates[1]: found 2; allowed: a rate with its unit"),
    ("{kind: saw_tooth, base: 2/s, peak: 1/s, every: 5s}", ".peak: found 1/s; allowed: at least the base"),
    ("{kind: constant, rate: 0.01/s}", ": found a profile of 0.3 events in 30 s; allowed: from 1 event"),
    ("{kind: constant, rate: 9M/s}", ": found a profile of 2.7e+08 events in 30 s"),
]


@pytest.mark.parametrize(("profile", "told"), PROFILE_MISTAKES, ids=[text for text, _ in PROFILE_MISTAKES])
def test_a_mistake_in_a_profile_is_told(tmp_path: Path, profile: str, told: str) -> None:
    problems = problems_of(tmp_path, "users: 2", f"profile: {profile}")
    assert any(problem.startswith(f"13: load.profile{told}") for problem in problems), problems


def test_a_profile_says_how_many_events_there_are(tmp_path: Path) -> None:
    profiled = "profile: {kind: constant, rate: 1/s}\n  events: 3"
    (problem,) = problems_of(tmp_path, "users: 2", profiled)
    assert problem.startswith("14: load.events: found 3; allowed: none with the profile constant")


def test_a_flood_cannot_be_asked_for_what_needs_intended_moments() -> None:
    flood = {"pipeline__deploy": [], "load__path": "record_batches", "faults": []}
    expect = [{"check": "produce_latency", "thresholds": ["max < 1s"]}]
    rides(**flood, load__profile={"kind": "constant", "rate": "50k/s"}, expect=expect)
    with pytest.raises(
        InvalidInput, match=r"expect\[0\]\.check: found produce_latency; allowed: another check,"
    ):
        rides(**flood, expect=expect)


@pytest.mark.parametrize(
    ("pipeline", "allowed"),
    [
        ({"pipeline__stream__out_of_orderness": "0s"}, "none with pipeline.stream.out_of_orderness: 0s"),
        ({"pipeline__deploy": [], "faults": [], "expect": []}, "none, unless pipeline.deploy has stream"),
    ],
)
def test_a_boundary_that_nothing_judges_is_refused(pipeline: dict[str, object], allowed: str) -> None:
    assert rides(load__inject={"boundary": "10%"}).load.inject.boundary == 0.1
    with pytest.raises(InvalidInput, match=rf"load\.inject\.boundary: found 10\.000%; allowed: {allowed}"):
        rides(load__inject={"boundary": "10%"}, **pipeline)


def test_readers_need_what_they_read() -> None:
    readers = {"rate": "3/s", "weights": {"hot_point": 1}}
    assert rides(load__readers=readers).load.readers is not None
    with pytest.raises(InvalidInput, match="there is no hot store to read"):
        rides(load__readers=readers, pipeline__deploy=[])


def test_a_fault_inside_a_list_hides_none_beside_it(tmp_path: Path) -> None:
    problems = problems_of(
        tmp_path, "faults:\n", "faults:\n  - 3\n  - {kind: kil, targets: [x], at: 1s, heal_after: 1s}\n"
    )
    assert [re.sub(r".*?: (faults\S+):.*", r"\1", problem) for problem in problems] == [
        "faults[0]",
        "faults[1].kind",
        "faults[1].targets[0]",
        "faults[1].at",
    ]


def test_a_mistake_in_one_section_hides_none_in_another(tmp_path: Path) -> None:
    problems = problems_of(tmp_path, "warm_up: 5s", "warm_up: 5\nsurprise: 1\nexpect_fail: [x]")
    assert [problem.split(": ")[1] for problem in problems] == ["surprise", "warm_up"]


def test_a_topology_may_stand_inline(tmp_path: Path) -> None:
    inline = "{name: x, zones: [a], services: {fink: {a: {count: 1, memory: 1MB}}}}"
    (memory,) = problems_of(tmp_path, "topology: tiny", f"topology: {inline}")
    assert memory.startswith("4: topology.services.fink.a.memory: found 1MB")


def test_unknown_services_and_roles_are_told(tmp_path: Path) -> None:
    role = "{count: 3, memory: 1MiB}"
    inline = f"{{name: x, zones: [a], services: {{kafka: {{brokr: {role}}}, fink: {{a: {role}}}}}}}"
    found = [
        problem.split("; allowed")[0]
        for problem in problems_of(tmp_path, "topology: tiny", f"topology: {inline}")
    ]
    assert found[:3] == [
        "4: topology.services.kafka.brokr: found unknown role brokr",
        "4: topology.services.kafka: found no broker",
        "4: topology.services.fink: found unknown service fink",
    ]


def test_problems_of_the_traces_mapping_are_the_scenarios(tmp_path: Path) -> None:
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text("file: none.csv\nformat: cvs\n")
    problems = problems_of(tmp_path, "traces/rides.yaml", "mapping.yaml")
    assert [problem.split(": found")[0] for problem in problems] == [
        "mapping.yaml:2: format",
        "mapping.yaml:1: time",
        "mapping.yaml:1: fields",
    ]


def test_problems_of_many_files_are_told_together(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(f"name: {name}\n")
    with pytest.raises(InvalidInput) as refused:
        load_many([tmp_path / "a.yaml", RIDES, tmp_path / "b.yaml"], words=WORDS)
    assert {problem.where.split(":")[0] for problem in refused.value.problems} == {
        str(tmp_path / "a.yaml"),
        str(tmp_path / "b.yaml"),
    }


def test_the_products_own_scenarios_are_valid() -> None:
    own = [*SCENARIOS.glob("*.yaml"), *SCENARIOS.glob("sabotage/*.yaml")]
    assert len(load_many(own)) == len(own) > 0


def test_a_product_scenario_is_found_by_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_scenario(Path("quickstart")) == load_scenario(Path("scenarios/quickstart.yaml"))


def test_the_schema_has_the_yaml_names_of_the_pipelines_options() -> None:
    stream = scenario_schema()["$defs"]["StreamOptions"]["properties"]
    assert {"checkpoint_interval", "out_of_orderness"} <= set(stream)
