"""What a scenario asks for and no run of it can tell is refused before anything starts, with the reason."""

from __future__ import annotations

from collections import Counter
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from harness.base.errors import InvalidInput
from harness.base.files import SCENARIOS
from harness.judge.registry import CHECKS, IMPLEMENTATIONS, checks_for, unfit
from harness.layers.registry import LAYERS
from harness.load.readers.registry import READER_KINDS
from harness.scenario.lake_steps import LakeStage, Rerun, RunDays
from harness.scenario.model import Load, Readers, Scenario
from harness.scenario.phases import PHASES
from harness.scenario.profiles.constant import Constant
from harness.scenario.setting import Setting
from harness.validate.scenario_file import load_scenario
from harness.validate.vocabulary import vocabulary
from pipeline.base.options import PipelineOptions
from tests.core.histories import scenario
from tests.core.scenario_parts import RIDES

WORDS = vocabulary()
TOPICS = {"pipeline__deploy": []}
RECORD_BATCHES = {**TOPICS, "load__path": "record_batches"}
LAKE = {"topology": "lake", "pipeline__deploy": ["lake"], "pipeline__topics": {"min_insync_replicas": 1}}
DAYS = {**LAKE, "load__event_span": "24h", "lake": {"steps": [{"kind": "run", "days": [1]}]}}
READERS = {"load__readers": {"rate": "3/s", "weights": {"hot_point": 1}}}


def refused(**changes: object) -> list[str]:
    """What is wrong with the fixture's scenario, with fields changed; without files and lines."""
    whole: dict[str, object] = {"topology": "quickstart", "faults": [], "expect": [], **changes}
    try:
        load_scenario(RIDES, overrides={n.replace("__", "."): v for n, v in whole.items()}, words=WORDS)
    except InvalidInput as error:
        return [str(problem).partition(": ")[2] for problem in error.problems]
    return []


def limits(check: str, *thresholds: str) -> dict[str, object]:
    return {"expect": [{"check": check, "thresholds": list(thresholds)}]}


@pytest.mark.parametrize(
    ("check", "limit", "setting", "unless"),
    [
        ("freshness_hot", "max < 1s", TOPICS, "pipeline.deploy has stream"),
        ("dead_letters", "count == 0", DAYS, "pipeline.deploy has stream"),
        ("altered", "count == 0", RECORD_BATCHES, "load.path is events"),
        ("lake_cpu", "max < 9s", TOPICS, "pipeline.deploy has lake"),
        ("pruning", "min > 0%", DAYS, "a step of lake is a run with scans"),
        ("reruns_unchanged", "count == 0", DAYS, "a step of lake is a rerun"),
        ("out_of_order", "count == 0", TOPICS, "load.path is record_batches or computed"),
        ("produce_latency", "max < 1s", RECORD_BATCHES, "load.profile says when each event is to be sent"),
        ("rate_accuracy", "max < 1%", {"load__duration": "9s", "warm_up": "0s"}, "load.duration is 10s"),
        ("hot_point_read_latency", "max < 1s", {}, "load.readers has some of the kind hot_point"),
        ("hot_range_read_latency", "max < 1s", READERS, "load.readers has some of the kind hot_range"),
    ],
)
def test_a_check_that_can_tell_nothing_is_refused(
    check: str, limit: str, setting: dict[str, Any], unless: str
) -> None:
    (told,) = refused(**setting, **limits(check, limit))
    assert told.startswith(f"expect[0].check: found {check}; allowed: another check, unless {unless}")


@pytest.mark.parametrize(
    ("check", "limit", "setting", "allowed"),
    [
        ("recovery_time", "max < 9s", {}, "count, or faults, without which nothing is measured"),
        ("catch_up_time", "p(50) < 9s", {}, "count, or faults, without which nothing is measured"),
        ("throughput", "rate > 1/s during recovery", {}, "out of warm_up, steady, drain"),
        ("throughput", "rate > 1/s during warm_up", {"warm_up": "0s"}, "out of steady, drain"),
        ("throughput", "rate > 1/s during steady,lake", {}, "out of warm_up, steady, drain"),
        ("produce_latency", "max < 1s during drain", {}, "out of warm_up, steady"),
        ("lake_duration", "max < 1s during steady", DAYS, "out of lake"),
    ],
)
def test_a_limit_in_phases_that_have_no_value_is_refused(
    check: str, limit: str, setting: dict[str, Any], allowed: str
) -> None:
    (told,) = refused(**setting, **limits(check, limit))
    assert told.startswith(f"expect[0].thresholds[0]: found {limit}; allowed: ")
    assert allowed in told


@pytest.mark.parametrize(
    ("check", "limit", "step"),
    [
        ("pruning", "min > 0%", {"kind": "run", "days": [1], "scans": [1]}),
        ("reruns_unchanged", "count == 0", {"kind": "rerun", "days": [1]}),
        ("lake_duration", "max < 90s during lake", {"kind": "register", "field": "gate"}),
    ],
)
def test_what_a_step_shows_can_be_asked_for(check: str, limit: str, step: dict[str, object]) -> None:
    first = [{"kind": "run", "days": [1]}] if "scans" not in step else []
    assert refused(**{**DAYS, "lake": {"steps": [*first, step]}}, **limits(check, limit)) == []


def test_what_was_recovered_from_is_the_phase_of_the_fault() -> None:
    faults = {"faults": [{"kind": "kill", "targets": ["kafka-broker-2"], "at": "13s", "heal_after": "4s"}]}
    assert refused(**faults, **limits("recovery_time", "max < 9s during fault")) == []
    (told,) = refused(**faults, **limits("recovery_time", "max < 9s during recovery"))
    assert told.endswith("allowed: phases out of fault")


def test_how_many_recoveries_there_were_can_always_be_told() -> None:
    assert refused(**limits("recovery_time", "count == 2")) == []


def test_every_limit_of_every_check_is_told_at_once() -> None:
    expect = [
        {"check": "recovery_time", "thresholds": ["max < 9s", "max < 9"]},
        {"check": "hot_range_read_latency", "thresholds": ["max < 9s during lake"]},
        {"check": "drained", "thresholds": ["count == 0 during drain"]},
    ]
    told = [problem.partition(":")[0] for problem in refused(expect=expect, seed=-1)]
    assert told == [
        "seed",
        "expect[0].thresholds[0]",
        "expect[0].thresholds[1]",
        "expect[1].check",
        "expect[2].thresholds[0]",
    ]


@pytest.mark.parametrize("deploy", [["lake"], ["stream", "lake"]])
def test_a_lake_that_no_step_fills_is_refused(deploy: list[str]) -> None:
    told = refused(**{**LAKE, "pipeline__deploy": deploy})
    assert "lake: found missing; allowed: a lake stage, as pipeline.deploy has lake" in told


def test_a_stage_that_runs_no_day_is_refused() -> None:
    drop = {"kind": "drop", "partner": "tower", "day": 1, "format": "csv", "events": 5}
    (told,) = refused(**{**DAYS, "lake": {"steps": [drop]}})
    assert told == "lake.steps: found no run; allowed: a step of the kind run, or no day reaches a table"


@pytest.mark.parametrize("path", ["record_batches", "computed"])
def test_whole_batches_are_not_sent_to_a_lake_that_nobody_could_judge(path: str) -> None:
    assert f"load.path: found {path}; allowed: events, or {path} with pipeline: {{deploy: []}}" in refused(
        **DAYS, load__path=path
    )


@pytest.mark.parametrize("deploy", [[], ["lake"]])
def test_readers_are_refused_where_there_is_no_hot_store(deploy: list[str]) -> None:
    told = refused(**{**DAYS, **READERS, "pipeline__deploy": deploy})
    allowed = "none, unless pipeline.deploy has stream: there is no hot store to read"
    assert f"load.readers: found readers; allowed: {allowed}" in told


def test_a_layer_is_deployed_once() -> None:
    told = refused(**{**DAYS, "pipeline__deploy": ["lake", "lake"]})
    assert "pipeline.deploy: found lake again; allowed: each layer once" in told


def test_a_sabotage_cannot_break_what_is_not_judged() -> None:
    told = refused(expect_fail=["out_of_order", "recovery_time", "duplicates"])
    assert [problem.partition(";")[0] for problem in told] == [
        "expect_fail[0]: found out_of_order",
        "expect_fail[1]: found recovery_time",
    ]
    assert told[1].endswith("allowed: a check that has a limit in expect")
    assert refused(expect_fail=["recovery_time"], **limits("recovery_time", "count == 2")) == []


@pytest.mark.parametrize(
    ("expectation", "told"),
    [
        ({"check": "duplicates"}, "expect[0]: found neither thresholds nor waive; allowed: one of them"),
        (
            {"check": "duplicates", "waive": "known", "thresholds": ["count <= 9"]},
            "expect[0].waive: found known; allowed: none beside thresholds",
        ),
        (
            {"check": "throughput", "waive": "known"},
            "expect[0].waive: found known;"
            " allowed: none: no limit holds for this check unless a scenario sets one",
        ),
        (
            {"check": "out_of_order", "waive": "known"},
            "expect[0].check: found out_of_order;"
            " allowed: another check, unless load.path is record_batches or computed",
        ),
    ],
)
def test_a_waiver_is_of_what_holds_by_itself_and_stands_alone(
    expectation: dict[str, object], told: str
) -> None:
    assert refused(expect=[expectation]) == [told]


@pytest.mark.parametrize("reason", ["", " ", None])
def test_a_waiver_gives_a_reason(reason: str | None) -> None:
    (told,) = refused(expect=[{"check": "duplicates", "waive": reason}])
    assert told.startswith("expect[0]")
    assert refused(expect=[{"check": "duplicates", "waive": "a known bug"}]) == []


def test_a_sabotage_cannot_break_what_is_waived() -> None:
    (told,) = refused(expect=[{"check": "duplicates", "waive": "known"}], expect_fail=["duplicates"])
    assert told == "expect_fail[0]: found duplicates; allowed: a check that expect does not waive"


@pytest.mark.parametrize(
    "file", [*SCENARIOS.glob("*.yaml"), *SCENARIOS.glob("sabotage/*.yaml")], ids=lambda file: file.stem
)
def test_what_our_own_scenarios_ask_for_can_be_told(file: Path) -> None:
    of = load_scenario(file, words=WORDS)
    asked = {expectation.check for expectation in of.expect} | set(of.expect_fail)
    assert asked <= checks_for(of).keys()


def scenarios() -> list[Scenario]:
    """Every deployment that a path of sending admits, with little else, and with everything else."""
    readers = Readers(rate=1.0, weights=dict.fromkeys(READER_KINDS, 1))
    stage = LakeStage(steps=(RunDays(days=(1,), scans=(1,)), Rerun(days=(1,))))
    found = []
    for deploy, path, full in product(
        (("stream",), (), ("lake",), ("stream", "lake")),
        ("events", "record_batches", "computed"),
        (False, True),
    ):
        options = PipelineOptions(deploy=deploy)  # type: ignore[arg-type]
        load = Load.model_validate(
            {"trace": Path("t"), "path": path, "event_span": 60.0, "duration": 60.0}
            | ({"profile": Constant(rate=5.0), "readers": readers} if full else {})
        )
        found.append(scenario(pipeline=options, load=load, lake=stage if full else None))
    return found


@pytest.mark.parametrize("of", scenarios())
def test_what_is_refused_is_what_the_judge_leaves_out(of: Scenario) -> None:
    fit = {name for name in CHECKS if not unfit(name, Setting.of(of))}
    assert fit == set(checks_for(of))


@pytest.mark.parametrize("of", scenarios())
def test_one_implementation_of_a_name_at_most_is_fit(of: Scenario) -> None:
    fit = Counter(check.name for check in IMPLEMENTATIONS if not check.unfit(Setting.of(of)))
    assert [name for name, count in fit.items() if count > 1] == []


@pytest.mark.parametrize("of", scenarios())
def test_a_check_of_a_layer_is_fit_only_where_that_is_deployed(of: Scenario) -> None:
    absent = [layer for name, layer in LAYERS.items() if name not in of.pipeline.deploy]
    setting = Setting.of(of)
    assert [c.name for layer in absent for c in layer.checks.all if not c.unfit(setting)] == []


def test_each_implementation_is_fit_for_some_scenario() -> None:
    settings = [Setting.of(of) for of in scenarios()]
    assert [c for c in IMPLEMENTATIONS if all(c.unfit(setting) for setting in settings)] == []


def test_implementations_of_a_name_are_held_to_the_same_limits() -> None:
    for check in IMPLEMENTATIONS:
        first = CHECKS[check.name]
        assert (check.unit, check.aggregates, check.phases) == (first.unit, first.aggregates, first.phases)
        assert check.default_thresholds == first.default_thresholds


def test_a_check_is_measured_in_phases_that_there_are() -> None:
    assert all(check.phases <= set(PHASES) for check in IMPLEMENTATIONS)
