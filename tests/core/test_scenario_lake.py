"""The lake section of a scenario: what is refused before anything starts."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from harness.base.errors import InvalidInput
from tests.core.scenario_parts import rides

RUN = {"kind": "run", "days": [1]}
DROP = {"kind": "drop", "partner": "tower", "day": 1, "format": "csv", "events": 5}


def refused(
    *steps: object, span: str = "48h", deploy: Sequence[str] = ("stream", "lake"), path: str = "events"
) -> list[str]:
    """What is wrong with the section, in a scenario of two days."""
    load = {"load__event_span": span, "load__path": path}
    changes = {**load, "pipeline__deploy": list(deploy), "lake": {"steps": list(steps)}}
    with pytest.raises(InvalidInput) as error:  # there always is one: the topology has no object store
        rides(**changes)
    found = [str(problem) for problem in error.value.problems]
    return [p.partition(": ")[2] for p in found if ": lake" in p or ": load.event_span" in p]


def test_a_stage_that_makes_sense_is_taken() -> None:
    register, added = {"kind": "register", "field": "gate"}, {**DROP, "added": ["gate"]}
    second = {"kind": "run", "days": [2], "scans": [1, 2]}
    assert refused(DROP, RUN, register, added, second, {"kind": "rerun", "days": [1]}) == []


@pytest.mark.parametrize("span", ["36h", "12h"])
def test_a_load_of_broken_days_is_refused(span: str) -> None:
    assert "allowed: whole days" in "".join(refused(RUN, span=span))


def test_there_is_no_lake_stage_without_the_lake() -> None:
    assert "unless pipeline.deploy has lake" in "".join(refused(RUN, deploy=["stream"]))


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ([{"kind": "run", "days": [3]}], "steps[0].days: found 3; allowed: a day of the load, which has 2"),
        ([{**DROP, "day": 3}, RUN], "steps[0].day: found 3; allowed: a day of the load"),
        ([RUN, RUN], "steps[1].days: found 1; allowed: a day after 1"),
        ([{"kind": "rerun", "days": [1]}, RUN], "steps[0].days: found 1; allowed: a day that was run before"),
        ([{**RUN, "scans": [1, 2]}], "steps[0].scans: found 2; allowed: a day run by then"),
        ([{**DROP, "added": ["gate"]}, RUN], "steps[0].added: found gate; allowed: a field that `register`"),
        (
            [{"kind": "register", "field": "value"}, RUN],
            "steps[0].field: found value; allowed: a new field",
        ),
        (
            [{**DROP, "damage": "narrowed_type"}, RUN],
            "steps[0].damage: found narrowed_type; allowed: none or",
        ),
        ([{"kind": "runs"}], "steps[0].kind: found runs; allowed: did you mean run? one of"),
        ([], "steps: found 0 steps; allowed: 1 to 200"),
        ([{**DROP, "partner": "../up"}], "steps[0].partner: found ../up"),
    ],
)
def test_each_mistake_is_told_where_it_is(steps: list[object], told: str) -> None:
    (problem,) = refused(*steps)
    assert told in problem


@pytest.mark.parametrize(
    ("days", "told"),
    [
        ([3], "expect_quarantined[0]: found 3; allowed: a day that a step runs: 1"),
        ([1, 2], "expect_quarantined[1]: found 2; allowed: a day that a step runs: 1"),
        ([1, 1], "expect_quarantined[1]: found 1 again; allowed: each day once"),
    ],
)
def test_only_days_that_are_run_can_be_expected_in_quarantine(days: list[int], told: str) -> None:
    with pytest.raises(InvalidInput) as error:
        rides(load__event_span="48h", lake={"steps": [RUN], "expect_quarantined": days})
    assert [told in str(problem) for problem in error.value.problems].count(True) == 1
