from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from harness.scenario.phases import PHASES
from harness.scenario.thresholds import Threshold, parse

UNITS = ("ms", "s", "1/s", "%", "")
OPERATORS = ("<", "<=", ">", ">=", "==", "!=")
CAN_BE_MISSED = ("<=", ">", "==", "!=")
"""Beside 0: nothing that is measured is less, and everything is at least as much."""

finite = st.floats(min_value=0, allow_infinity=False, allow_nan=False, allow_subnormal=False)
operators_of = {True: st.sampled_from(CAN_BE_MISSED), False: st.sampled_from(OPERATORS)}
counts = st.integers(min_value=0, max_value=2**53).map(float)
phases = st.lists(st.sampled_from(PHASES), unique=True).map(tuple)


@st.composite
def thresholds(draw: st.DrawFn) -> Threshold:
    """Any limit that can be both met and missed."""
    aggregate = draw(st.sampled_from(["count", "max", "mean", "rate", "p(50)", "p(99)", "p(99.9)"]))
    counted = aggregate == "count"
    limit = draw(counts if counted else finite)
    return Threshold(
        aggregate=aggregate,
        operator=draw(operators_of[limit == 0]),
        limit=limit,
        unit="" if counted else draw(st.sampled_from(UNITS)),
        phases=() if counted else draw(phases),
    )


@given(thresholds())
def test_a_printed_threshold_reads_back_as_itself(threshold: Threshold) -> None:
    assert parse(str(threshold), unit=threshold.unit) == threshold


@given(st.text(max_size=40), st.sampled_from(["ms", "s", "1/s", "%", ""]))
def test_text_is_refused_or_says_what_was_understood(text: str, unit: str) -> None:
    try:
        understood = parse(text, unit=unit)
    except ValueError:
        return
    assert parse(str(understood), unit=unit) == understood


@given(thresholds(), st.text("<>=!abpx019%* ,()", min_size=1, max_size=5))
def test_garbage_after_a_threshold_never_parses_as_the_threshold(threshold: Threshold, tail: str) -> None:
    try:
        understood = parse(f"{threshold} {tail}", unit=threshold.unit)
    except ValueError:
        return
    assert not tail.strip() or understood != threshold


@given(thresholds(), st.sampled_from([math.nan, math.inf]))
def test_what_is_no_number_or_never_came_keeps_no_limit(threshold: Threshold, observed: float) -> None:
    assert not threshold.holds(observed)


@given(thresholds(), st.sampled_from(UNITS))
def test_a_count_means_the_same_whatever_its_check_measures(threshold: Threshold, unit: str) -> None:
    counted = replace(threshold, aggregate="count", unit="", limit=float(round(threshold.limit)), phases=())
    assume(counted.limit or counted.operator in CAN_BE_MISSED)
    assert parse(str(counted), unit=unit) == counted


@given(thresholds(), st.sampled_from([("mean", "avg"), ("p(50)", "med")]))
def test_the_words_of_k6_mean_the_same(threshold: Threshold, words: tuple[str, str]) -> None:
    ours, theirs = (f"{word} {threshold.operator} {str(threshold).split(maxsplit=2)[2]}" for word in words)
    assume(threshold.aggregate != "count")
    assert parse(theirs, unit=threshold.unit) == parse(ours, unit=threshold.unit)


@given(st.decimals(min_value=0, max_value=10**9, places=4))
def test_a_limit_means_the_same_in_every_unit(limit: Decimal) -> None:
    in_seconds, in_ms = (parse(f"max <= {text}", unit="ms") for text in (f"{limit}s", f"{limit * 1000}ms"))
    assert in_seconds == in_ms


@pytest.mark.parametrize(
    ("text", "unit", "limit"),
    [
        ("p(99) < 500ms", "ms", 500),
        ("p(99)<2s", "ms", 2000),
        ("max < 15m", "s", 900),
        ("rate >= 50000/s", "1/s", 50000),
        ("count == 0", "", 0),
        ("count >= 1000", "ms", 1000),
        ("count >= 1e3", "1/s", 1000),
        ("mean <= 2%", "%", 2),
        ("rate > 2k/s", "1/s", 2000),
        ("rate > .5M/s", "1/s", 500_000),
        ("max < 1e6", "", 1_000_000),
        ("max < 1.5E+3ms", "ms", 1500),
        ("max < 5e-1s", "ms", 500),
        ("mean < .05%", "%", 0.05),
        ("count === 3", "", 3),
    ],
)
def test_a_limit_is_kept_in_the_unit_of_the_check(text: str, unit: str, limit: float) -> None:
    assert parse(text, unit=unit).limit == pytest.approx(limit)


@pytest.mark.parametrize(
    ("text", "unit", "allowed"),
    [
        ("p(99) < 500", "ms", "unit"),
        ("count == 0ms", "", "without a unit"),
        ("p(99) < 5/s", "ms", "unit"),
        ("p(101) < 5ms", "ms", "percentile"),
        ("max < 5ms during fualt", "ms", "warm_up"),
        ("max < 5ms during fault,fault", "ms", "once"),
        ("max < 5ms during", "ms", "such as"),
        ("max <> 5ms", "ms", "such as"),
        ("max < 5ms; drop", "ms", "such as"),
        ("", "", "such as"),
        ("max < nan", "", "such as"),
        ("max < inf", "", "such as"),
        ("max < 1e999", "", "finite"),
        ("max < 1e308h", "ms", "finite"),
        ("max < -5ms", "ms", "0 or more"),
        ("max < -0ms", "ms", "0 or more"),
        ("max < 0ms", "ms", "both met and missed"),
        ("min >= 0%", "%", "both met and missed"),
        ("count >= 0", "", "both met and missed"),
        ("count == 1.5", "", "whole number"),
        ("count >= 1s", "ms", "without a unit"),
        ("count >= 1000ms", "ms", "without a unit"),
        ("count >= 60/s", "1/s", "without a unit"),
        ("count == 0 during steady", "", "without phases"),
        ("count > 100 during steady", "ms", "without phases"),
        ("rate > 2m/s", "1/s", "M/s"),
        ("p(100.1) < 5ms", "ms", "percentile"),
        ("p(-1) < 5ms", "ms", "such as"),
        ("p(nan) < 5ms", "ms", "such as"),
        ("max < 1e1000ms", "ms", "such as"),
        ("p(99) < 1.1 * baseline", "ms", "there is no baseline"),
        ("count <= 2 * baseline", "", "there is no baseline"),
        ("p(99) < 1.1 * baselin", "ms", "such as"),
    ],
)
def test_what_is_not_a_threshold_is_refused(text: str, unit: str, allowed: str) -> None:
    with pytest.raises(ValueError, match=allowed):
        parse(text, unit=unit)


def test_an_aggregate_that_the_check_does_not_give_is_refused() -> None:
    with pytest.raises(ValueError, match=r"an aggregate of this check: max, p\(N\)"):
        parse("count == 0", unit="", aggregates={"p(50)", "max"})


def test_a_check_with_percentiles_gives_any_percentile() -> None:
    assert parse("p(99.9) < 1s", unit="ms", aggregates={"p(50)"}).percentile == pytest.approx(99.9)


@pytest.mark.parametrize(("text", "percentile"), [("p(0) > 1ms", 0), ("p(100) < 1s", 100), ("med < 1s", 50)])
def test_percentiles_go_from_the_least_value_to_the_largest(text: str, percentile: float) -> None:
    assert parse(text, unit="ms", aggregates={"p(50)"}).percentile == percentile


def test_phases_are_kept_in_order() -> None:
    assert parse("max < 15m during fault, recovery", unit="s").phases == ("fault", "recovery")


@pytest.mark.parametrize(
    ("text", "limit"), [("p(99) < 1.1 * baseline", 1.1), ("rate >= 0.9*baseline during steady", 0.9)]
)
def test_a_multiple_of_a_baseline_is_a_limit_where_something_gives_one(text: str, limit: float) -> None:
    threshold = parse(text, unit="1/s", with_baseline=True)
    assert (threshold.limit, threshold.of_baseline) == (limit, True)
    assert parse(str(threshold), unit="1/s", with_baseline=True) == threshold
    assert threshold.times(10.0).limit == limit * 10
    with pytest.raises(ValueError, match="cannot be checked before"):
        threshold.holds(1.0)


@pytest.mark.parametrize("factor", ["0", "-1", "1e999"])
def test_a_multiple_of_a_baseline_is_finite_and_more_than_nothing(factor: str) -> None:
    with pytest.raises(ValueError, match="a finite multiple"):
        parse(f"max < {factor} * baseline", unit="ms", with_baseline=True)
