"""Window results and hot rows are compared with the oracle's; what cannot be known is judged neither way."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.history.reader import History
from harness.judge.judge import judge_history
from harness.judge.measure.finding import Finding, Verdict
from harness.judge.registry import CHECKS
from tests.core.histories import ORIGIN_MS, closing, event, evidence, found, history, sent, window

PLAN = [event(0, 1, value=2.0), event(1, 2, value=3.0), closing(2, minute=200)]
RIGHT = [
    window("tumbling", "UA", 0, 5, 2.0, 3.0),
    *(window("hopping", "UA", start, start + 15, 2.0, 3.0) for start in (-10, -5, 0)),
    window("session", "N1", 1, 32, 2.0, 3.0),
]
TABLES = {"windows_equal_oracle": "readback_windows", "hot_windows_equal_oracle": "readback_hot_windows"}
JUDGED = "of 5 windows that end by 1979-07-05 08:39:00Z; 5 that end later need not be there"

checks = pytest.mark.parametrize("name", TABLES)


def finding_of(name: str, of: History) -> Finding:
    (finding,) = judge_history(of, run_id="r", checks={name: CHECKS[name]}).findings
    return finding


def run(
    name: str, rows: list[dict[str, object]], plan: list[dict[str, object]] = PLAN, **tables: Any
) -> Finding:
    seqs = [row["seq"] for row in plan]
    tables = {"readback_events": found("events", *seqs), TABLES[name]: rows, **tables}  # type: ignore[arg-type]
    return finding_of(name, history(plan=plan, **tables))


@checks
def test_windows_that_equal_the_oracle_pass(name: str) -> None:
    assert run(name, RIGHT) == Finding(
        name=name,
        verdict=Verdict.PASS,
        observed=0,
        limit="count == 0",
        unit="",
        phase="whole run",
        evidence=evidence(0),
        detail=JUDGED,
    )


@checks
@pytest.mark.parametrize("index", range(5))
def test_a_missing_window_is_found(name: str, index: int) -> None:
    finding = run(name, RIGHT[:index] + RIGHT[index + 1 :])
    assert (finding.verdict, finding.observed) == (Verdict.FAIL, 1)
    assert finding.examples[0].endswith(
        "expected 2 events, 2 measured, sum 5.0, min 2.0, max 3.0, found none"
    )


@checks
def test_an_unexpected_window_is_found(name: str) -> None:
    finding = run(name, [*RIGHT, window("tumbling", "DL", 5, 10, 1.0)])
    assert finding.examples == (
        "tumbling DL 1979-07-05 05:25:00Z to 1979-07-05 05:30:00Z:"
        " expected none, found 1 events, 1 measured, sum 1.0, min 1.0, max 1.0",
    )


WRONG = {"events": 3, "measured": 1, "value_sum": 5.00001, "value_min": 2.1, "value_max": 2.9}


@checks
@pytest.mark.parametrize(("field", "value"), [*WRONG.items(), ("value_sum", None), ("value_max", None)])
def test_a_different_field_is_found(name: str, field: str, value: float | None) -> None:
    finding = run(name, [{**RIGHT[0], field: value}, *RIGHT[1:]])
    assert (finding.verdict, finding.observed) == (Verdict.FAIL, 1)


@checks
def test_sums_may_differ_by_the_order_of_addition(name: str) -> None:
    assert run(name, [{**RIGHT[0], "value_sum": 5.0 + 1e-15}, *RIGHT[1:]]).verdict is Verdict.PASS


@checks
def test_sums_that_cancel_are_judged_by_what_was_summed(name: str) -> None:
    plan = [event(0, 1, value=0.1), event(1, 2, value=-0.1), closing(2)]
    rows = [{**row, "value_sum": 1e-17, "value_min": -0.1, "value_max": 0.1} for row in RIGHT]
    assert run(name, rows, plan).verdict is Verdict.PASS


@checks
def test_windows_without_values_have_no_sum(name: str) -> None:
    plan = [event(0, 1, value=None), event(1, 2, value=None), closing(2)]
    nothing = {"measured": 0, "value_sum": None, "value_min": None, "value_max": None}
    assert run(name, [{**row, **nothing} for row in RIGHT], plan).verdict is Verdict.PASS


@checks
def test_repeated_results_that_agree_are_not_wrong(name: str) -> None:
    assert run(name, RIGHT + RIGHT).verdict is Verdict.PASS


FINITE = st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=60, deadline=None)
@given(st.lists(FINITE | st.floats(-1e3, 1e3), min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_no_order_of_addition_is_wrong(values: list[float], order: random.Random) -> None:
    """Neither by the numbers themselves nor where they overflow, on the way or in the end."""
    plan = [*(event(seq, 1, value=value) for seq, value in enumerate(values)), closing(len(values))]
    added = order.sample(values, len(values))
    split = order.randrange(len(values))
    total = sum(added[:split], 0.0) + sum(added[split:], 0.0)
    told = {"value_sum": total if math.isfinite(total) else None}
    bounds = [("tumbling", "UA", 0, 5), *(("hopping", "UA", s, s + 15) for s in (-10, -5, 0))]
    rows = [{**window(*of, *values), **told} for of in (*bounds, ("session", "N1", 1, 31))]
    assert run("windows_equal_oracle", rows, plan).verdict is Verdict.PASS


CLOSING_WINDOW = window("tumbling", "closing", 200, 205, 1.0)


@checks
def test_a_window_past_the_horizon_may_be_there(name: str) -> None:
    assert run(name, [*RIGHT, CLOSING_WINDOW]).verdict is Verdict.PASS


@checks
@pytest.mark.parametrize(
    "field",
    [
        {"key": "UA"},
        {"window_kind": "hopping"},
        {"window_end_ms": CLOSING_WINDOW["window_end_ms"], "window_start_ms": 0},
        {"events": 2, "measured": 2},
        {"value_sum": 9.0},
    ],
)
def test_a_window_past_the_horizon_that_is_there_must_be_right(name: str, field: dict[str, object]) -> None:
    assert run(name, [*RIGHT, {**CLOSING_WINDOW, **field}]).observed == 1


LARGE = 1.7e308


def summed(name: str, first: float, second: float, value_sum: float | None) -> Verdict:
    """Of two events, in windows that say so of their sum."""
    plan = [event(0, 1, value=first), event(1, 2, value=second), closing(2, minute=200)]
    told = {"value_sum": value_sum, "value_min": min(first, second), "value_max": max(first, second)}
    return run(name, [{**row, **told} for row in RIGHT], plan).verdict


@checks
@pytest.mark.parametrize("told", [None, 5.0, math.inf, LARGE])
def test_a_sum_that_is_no_double_is_null(name: str, told: float | None) -> None:
    assert summed(name, LARGE, LARGE, told) is (Verdict.PASS if told is None else Verdict.FAIL)


@checks
@pytest.mark.parametrize(("told", "right"), [(None, True), (0.0, True), (1e300, False), (math.nan, False)])
def test_a_sum_that_may_have_overflowed_on_the_way_is_right_or_null(
    name: str, told: float | None, right: bool
) -> None:
    assert summed(name, LARGE, -LARGE, told) is (Verdict.PASS if right else Verdict.FAIL)


@checks
def test_a_sum_that_no_order_overflows_is_not_null(name: str) -> None:
    assert summed(name, 1e307, 1e307, None) is Verdict.FAIL


@checks
@pytest.mark.parametrize("scale", [1e-280, 1e-5, 1.0, 1e6, 1e300])
def test_a_sum_that_was_rounded_to_a_tenth_is_found_at_any_size(name: str, scale: float) -> None:
    assert summed(name, 2.25 * scale, 4.5 * scale, 6.8 * scale) is Verdict.FAIL
    assert summed(name, 2.25 * scale, 4.5 * scale, 6.75 * scale) is Verdict.PASS


@checks
def test_a_late_event_that_was_counted_is_found(name: str) -> None:
    readback = [*found("events", 0, 2, 1), *found("events_late", 1)]
    assert run(name, RIGHT, readback_events=readback).verdict is Verdict.FAIL


@checks
def test_what_is_set_aside_without_being_late_belongs_into_its_windows(name: str) -> None:
    readback = [*found("events", 0, 1, 2), *found("events_late", 0, 1)]
    assert run(name, [], readback_events=readback).observed == len(RIGHT)


@checks
@pytest.mark.parametrize("plan", [PLAN[:2], [*PLAN[:2], closing(2, minute=1)]])
def test_without_closed_windows_nothing_is_judged(name: str, plan: list[dict[str, object]]) -> None:
    assert run(name, RIGHT, plan).verdict is Verdict.INCONCLUSIVE


@checks
def test_a_session_in_pieces_is_wrong(name: str) -> None:
    pieces = [window("session", "N1", 1, 31, 2.0), window("session", "N1", 2, 32, 3.0)]
    assert run(name, [*RIGHT[:-1], *pieces]).observed == 3


@checks
def test_an_acknowledged_event_is_expected_although_the_source_lost_it(name: str) -> None:
    lost = {"readback_events": found("events", 0, 2), "operations": [sent(0, 2)]}
    counted_without = [window("tumbling", "UA", 0, 5, 2.0), *RIGHT[1:]]
    assert run(name, counted_without, **lost).observed == 1


@checks
@pytest.mark.parametrize("table", ["plan", "readback_events", "the windows"])
def test_without_a_table_that_it_needs_a_check_is_inconclusive(name: str, table: str) -> None:
    table = TABLES[name] if table == "the windows" else table
    finding = finding_of(name, history(without=table))
    assert (finding.verdict, finding.detail) == (Verdict.INCONCLUSIVE, f"the history lacks {table}")


SENT = event(0, 1, reference_id=None, quantity=3, attributes='{"a":"1","b":"2"}')
FIELDS = (
    "event_id",
    "event_type",
    "entity_id",
    "category",
    "reference_id",
    "value",
    "quantity",
    "attributes",
)
STORED = {**{field: SENT[field] for field in FIELDS}, "event_time_ms": ORIGIN_MS + 60_000}


def hot(*rows: dict[str, object]) -> Finding:
    run = history(plan=[SENT], readback_events=found("events", 0), readback_hot_events=rows)
    return finding_of("hot_events_equal_oracle", run)


def test_hot_events_that_equal_what_was_sent_pass() -> None:
    assert (hot(STORED).verdict, hot(STORED).detail) == (Verdict.PASS, "of 1 valid events")


CHANGES = {"event_type": "x", "entity_id": "x", "category": "x", "reference_id": "x"} | {
    "value": 1.0000000001,
    "quantity": None,
    "attributes": '{"a":"1","b":"3"}',
}


@pytest.mark.parametrize("field", CHANGES)
def test_a_hot_event_that_differs_in_one_field_is_found(field: str) -> None:
    finding = hot({**STORED, field: CHANGES[field]})
    assert finding.examples == (f"e0 at {ORIGIN_MS + 60_000} ms: differs in {field}",)


def test_attributes_are_compared_as_json() -> None:
    assert hot({**STORED, "attributes": '{"a": "1", "b": "2"}'}).verdict is Verdict.PASS


def test_attributes_that_are_no_json_differ() -> None:
    assert hot({**STORED, "attributes": "{"}).observed == 1


def test_a_missing_hot_event_is_found() -> None:
    assert hot().examples == (f"e0 at {ORIGIN_MS + 60_000} ms: missing; event 0 of the plan",)


def test_a_hot_event_that_was_never_sent_is_found() -> None:
    assert hot(STORED, {**STORED, "event_time_ms": 5}).examples == (
        "e0 at 5 ms: not in the plan, or never sent",
    )


@pytest.mark.parametrize("table", ["plan", "readback_events", "readback_hot_events"])
def test_without_a_table_that_they_need_hot_events_are_not_judged(table: str) -> None:
    finding = finding_of("hot_events_equal_oracle", history(without=table))
    assert (finding.verdict, finding.detail) == (Verdict.INCONCLUSIVE, f"the history lacks {table}")
