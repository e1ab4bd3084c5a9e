"""The bench of the lake counts from the floor, and tells what is fixed from what grows."""

from __future__ import annotations

import pytest

from tests.bench.lake_meter import Used
from tests.bench.lake_results import DayResults, StepResult, costs


def step(layer: str, name: str, events: int, cpu_s: float) -> StepResult:
    used = Used(
        run_s=2.0,
        cpu_s=cpu_s,
        python_cpu_s=0,
        store_cpu_s=0,
        stages=1,
        tasks=1,
        task_cpu_s=cpu_s / 2,
        shuffled_bytes=0,
    )
    return StepResult(layer=layer, name=name, adds="", events=events, used=used, commits=1)


def day(*steps: StepResult) -> DayResults:
    return DayResults(first={}, steps=steps)


def test_a_day_that_costs_three_seconds_and_two_for_each_million_events() -> None:
    days = [day(step("silver", "floor", n, 3 + 2e-6 * n)) for n in (15_000, 1_000_000)]
    ((_, cost),) = costs(*days)
    assert (cost.fixed_s, cost.per_million_s) == pytest.approx((3, 2))


def test_each_layer_is_held_against_its_own_floor() -> None:
    names = [("silver", "floor", 2.0), ("silver", "task", 6.0), ("gold", "floor", 1.0), ("gold", "task", 2.0)]
    found = day(*(step(layer, name, 1000, cpu_s) for layer, name, cpu_s in names)).as_json()
    assert [one["times_floor"] for one in found] == [1, 3, 1, 2]
    assert (found[1]["events_per_s"], found[1]["cpu_s_per_million"]) == (500, 6000)
