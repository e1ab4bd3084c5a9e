"""What a scenario's load of computed events is made of, and what is refused before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.base.errors import InvalidInput
from harness.load.plan.extent import event_span_ms, events_at_most, load_duration_s
from harness.load.workers.prepared_load import computed_source
from harness.scenario.model import Scenario
from tests.core.scenario_parts import FIXTURES, problems_of, rides

TOPICS = {"pipeline__deploy": [], "load__path": "computed", "faults": [], "load__inject": {}}


def computed(**changes: object) -> Scenario:
    return rides(**TOPICS | {"expect": [], "load__trace": "traces/drawn.yaml"} | changes)


def test_without_a_profile_the_load_is_all_that_the_platform_takes_in_the_time() -> None:
    scenario = computed()
    found = computed_source(scenario)
    assert (found.duration_s, found.schedule) == (scenario.load.duration, None)
    assert found.events == events_at_most(scenario.load.duration)
    assert (found.seed, found.generate.entities, found.span_ms) == (scenario.seed, 20, 3_600_000)


def test_with_a_profile_the_load_is_what_the_profile_says() -> None:
    found = computed_source(computed(load__profile={"kind": "constant", "rate": "50k/s"}))
    assert (found.duration_s, found.events) == (None, 1_500_000)
    assert found.schedule is not None


def test_it_takes_its_duration_and_covers_its_event_span() -> None:
    load = computed().load
    assert (load_duration_s(load, None), event_span_ms(load, None)) == (30.0, 3_600_000)


def test_a_trace_that_is_read_from_a_file_cannot_be_computed() -> None:
    scenario = computed()
    load = scenario.load.model_copy(update={"trace": FIXTURES / "traces" / "rides.yaml"})
    with pytest.raises(InvalidInput, match=r"rides\.yaml.*allowed: generate: with path: computed"):
        computed_source(scenario.model_copy(update={"load": load}))


def test_all_that_a_computed_load_cannot_have_is_told_at_once(tmp_path: Path) -> None:
    unfit = "path: computed\n  events: 3\n  profile: {kind: constant, rate: 1/s}\n  arrivals: poisson"
    told = [problem.split(";")[0] for problem in problems_of(tmp_path, "users: 2", unfit)]
    assert sorted(told) == [
        "10: load.trace: found rides.yaml, which reads a file",
        "13: load.path: found computed",
        "14: load.events: found 3",
        "16: load.arrivals: found poisson",
        "17: load.inject.duplicate: found 25.000%",
        "17: load.inject.late: found 25.000%",
        "17: load.inject.malformed: found 50.000%",
    ]


def test_batches_can_be_asked_for_and_what_needs_intended_moments_cannot() -> None:
    computed(expect=[{"check": "out_of_order", "thresholds": ["count == 0"]}])
    with pytest.raises(InvalidInput, match=r"expect\[0\]\.check: found produce_latency"):
        computed(expect=[{"check": "produce_latency", "thresholds": ["max < 1s"]}])
