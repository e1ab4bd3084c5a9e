from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.history.course import PHASES
from harness.scenario.thresholds import Threshold, parse

finite = st.decimals(min_value=0, max_value=10**12, places=9).map(float)
limits = st.one_of(
    st.fixed_dictionaries({"limit": finite, "baseline_factor": st.none()}),
    st.fixed_dictionaries({"limit": st.none(), "baseline_factor": finite}),
)
thresholds = st.builds(
    lambda limit, **others: Threshold(**limit, **others),
    limit=limits,
    aggregate=st.sampled_from(["count", "max", "mean", "rate", "p(50)", "p(99)", "p(99.9)"]),
    operator=st.sampled_from(["<", "<=", ">", ">=", "==", "!="]),
    unit=st.sampled_from(["ms", "s", "1/s", "%", ""]),
    phases=st.lists(st.sampled_from(PHASES), unique=True).map(tuple),
)


@given(thresholds)
def test_a_printed_threshold_reads_back_as_itself(threshold: Threshold) -> None:
    assert parse(str(threshold), unit=threshold.unit) == threshold


@given(st.text(max_size=40), st.sampled_from(["ms", "s", "1/s", "%", ""]))
def test_text_is_refused_or_says_what_was_understood(text: str, unit: str) -> None:
    try:
        understood = parse(text, unit=unit)
    except ValueError:
        return
    assert parse(str(understood), unit=unit) == understood


@given(thresholds, st.text("<>=!abpx019%* ,()", min_size=1, max_size=5))
def test_garbage_after_a_threshold_never_parses_as_the_threshold(threshold: Threshold, tail: str) -> None:
    try:
        understood = parse(f"{threshold} {tail}", unit=threshold.unit)
    except ValueError:
        return
    assert not tail.strip() or understood != threshold


@given(thresholds, st.none() | finite)
def test_nan_never_holds(threshold: Threshold, baseline: float | None) -> None:
    assert not threshold.holds(math.nan, baseline)


@pytest.mark.parametrize(
    ("text", "unit", "limit"),
    [
        ("p(99) < 500ms", "ms", 500),
        ("p(99)<2s", "ms", 2000),
        ("max < 15m", "s", 900),
        ("rate >= 50000/s", "1/s", 50000),
        ("count == 0", "", 0),
        ("mean <= 2%", "%", 2),
    ],
)
def test_a_limit_is_kept_in_the_unit_of_the_check(text: str, unit: str, limit: float) -> None:
    assert parse(text, unit=unit).limit == pytest.approx(limit)


@pytest.mark.parametrize(
    ("text", "unit", "allowed"),
    [
        ("p(99) < 500", "ms", "unit"),
        ("count == 0ms", "", "no unit"),
        ("p(99) < 5/s", "ms", "unit"),
        ("p(101) < 5ms", "ms", "percentile"),
        ("max < 5ms during fualt", "ms", "warm_up"),
        ("max < 5ms during fault,fault", "ms", "once"),
        ("max < 5ms during", "ms", "such as"),
        ("max <> 5ms", "ms", "such as"),
        ("max < 5ms; drop", "ms", "such as"),
        ("", "", "such as"),
        ("max < nan", "", "such as"),
        ("p(99) < 1.1 * baselin", "ms", "such as"),
    ],
)
def test_what_is_not_a_threshold_is_refused(text: str, unit: str, allowed: str) -> None:
    with pytest.raises(ValueError, match=allowed):
        parse(text, unit=unit)


def test_an_aggregate_that_the_check_does_not_give_is_refused() -> None:
    with pytest.raises(ValueError, match=r"gives: max, p\(N\)"):
        parse("count == 0", unit="", aggregates={"p(50)", "max"})


def test_a_check_with_percentiles_gives_any_percentile() -> None:
    assert parse("p(99.9) < 1s", unit="ms", aggregates={"p(50)"}).percentile == pytest.approx(99.9)


def test_a_limit_relative_to_a_baseline_scales_with_it() -> None:
    threshold = parse("p(99) < 1.1 * baseline", unit="ms")
    assert threshold.holds(109, baseline=100)
    assert not threshold.holds(111, baseline=100)


def test_a_missing_baseline_never_holds() -> None:
    assert not parse("p(99) != 1.1 * baseline", unit="ms").holds(1.0)


def test_phases_are_kept_in_order() -> None:
    assert parse("max < 15m during fault, recovery", unit="s").phases == ("fault", "recovery")
