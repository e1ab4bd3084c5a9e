"""Every profile has a rate that never falls below nothing, and events that come when its integral says so."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from harness.scenario.profiles import registry
from harness.scenario.profiles.arrivals import arrivals_s
from harness.scenario.profiles.burst import Burst
from harness.scenario.profiles.constant import Constant
from harness.scenario.profiles.curve import Curve
from harness.scenario.profiles.diurnal import Diurnal
from harness.scenario.profiles.flash_crowd import FlashCrowd
from harness.scenario.profiles.protocol import Profile
from harness.scenario.profiles.ramp import Ramp
from harness.scenario.profiles.registry import PROFILES, AnyProfile
from harness.scenario.profiles.saw_tooth import SawTooth
from harness.scenario.profiles.step import Step

DURATION_S = 100.0
rates = st.floats(0, 20)
bounds = st.tuples(rates, rates).map(sorted)


def _bounded(kind: type, **fields: st.SearchStrategy[float]) -> st.SearchStrategy[Any]:
    return st.builds(
        lambda bound, others: kind(base=bound[0], peak=bound[1], **others),
        bounds,
        st.fixed_dictionaries(fields),
    )


seconds = st.floats(0, DURATION_S / 4)
profiles = st.one_of(
    st.builds(Constant, rate=rates),
    st.builds(Ramp, start=rates, end=rates),
    st.builds(Step, rates=st.lists(rates, min_size=2, max_size=9).map(tuple)),
    _bounded(Diurnal, peak_at=st.floats(0, 86_400)),
    _bounded(Burst, every=st.floats(2, 50), length=st.floats(0.1, 1.9)),
    _bounded(FlashCrowd, at=seconds, rise=seconds, hold=seconds, fall=seconds),
    _bounded(SawTooth, every=st.floats(1, 100)),
)
curves: st.SearchStrategy[Curve] = profiles.map(lambda profile: profile.curve(DURATION_S))


def rate_at(profile: Profile, at_s: float) -> float:
    """The rate just after a moment."""
    curve = profile.curve(DURATION_S)
    assert curve is not None
    piece = next(piece for piece in curve.pieces if piece.from_s <= at_s < piece.to_s)
    return piece.from_rate + (piece.to_rate - piece.from_rate) * (at_s - piece.from_s) / piece.length_s


@given(profiles)
def test_a_profile_covers_the_whole_duration_without_gaps(profile: Any) -> None:
    assert list(profile.broken_rules(DURATION_S)) == []
    pieces = profile.curve(DURATION_S).pieces
    assert (pieces[0].from_s, pieces[-1].to_s) == (0, DURATION_S)
    assert all(a.to_s == b.from_s for a, b in pairwise(pieces))
    assert min(min(piece.from_rate, piece.to_rate) for piece in pieces) >= 0


@given(curves, st.lists(st.floats(0, 1), min_size=2))
def test_the_inverse_of_the_integral_never_goes_back(curve: Curve, shares: list[float]) -> None:
    reached_s = [curve.reached_s(share * curve.area) for share in sorted(shares)]
    assert all(a <= b + 1e-9 for a, b in pairwise(reached_s))
    assert all(0 <= at_s <= DURATION_S for at_s in reached_s)


@given(curves, st.floats(0, DURATION_S))
def test_the_integral_until_a_moment_is_that_of_what_lies_before_it(curve: Curve, at_s: float) -> None:
    area = sum(_area_until(piece, at_s) for piece in curve.pieces)
    assert curve.area_until(at_s) == pytest.approx(area, rel=1e-6, abs=1e-6)


@given(curves, st.floats(0, 1))
def test_the_integral_up_to_when_it_is_reached_is_what_was_asked(curve: Curve, share: float) -> None:
    at_s = curve.reached_s(share * curve.area)
    area = sum(_area_until(piece, at_s) for piece in curve.pieces)
    assert area == pytest.approx(share * curve.area, rel=1e-6, abs=1e-6)


def _area_until(piece: Any, at_s: float) -> float:
    length_s = min(max(at_s - piece.from_s, 0.0), piece.length_s)
    rate = piece.from_rate + (piece.to_rate - piece.from_rate) * (length_s / piece.length_s)
    return float((piece.from_rate + rate) / 2 * length_s)


@given(curves)
def test_even_arrivals_are_as_many_as_the_integral_and_half_an_event_apart_from_it(curve: Curve) -> None:
    arrived_s = arrivals_s(curve, "even", seed=0)
    assert len(arrived_s) == curve.events == round(curve.area)
    one_by_one_s = [curve.reached_s(number + 0.5) for number in range(curve.events)]
    assert arrived_s.tolist() == pytest.approx(one_by_one_s)


@given(curves, st.integers(0, 2**32 - 1))
def test_poisson_arrivals_are_in_order_and_the_same_for_the_same_seed(curve: Curve, seed: int) -> None:
    arrived_s = arrivals_s(curve, "poisson", seed=seed)
    assert len(arrived_s) == curve.events
    assert (np.diff(arrived_s) >= 0).all()
    assert arrived_s.tolist() == arrivals_s(curve, "poisson", seed=seed).tolist()


def test_another_seed_draws_other_arrivals() -> None:
    curve = Constant(rate=10).curve(DURATION_S)
    assert arrivals_s(curve, "poisson", seed=1).tolist() != arrivals_s(curve, "poisson", seed=2).tolist()


def test_poisson_counts_have_the_mean_of_the_rate_and_the_variance_of_a_binomial() -> None:
    """Given N, the count in a part p of the area is binomial: mean N p, variance N p (1 - p)."""
    curve = Ramp(start=0, end=200).curve(DURATION_S)
    first_half = [(arrivals_s(curve, "poisson", seed=seed) < DURATION_S / 2).sum() for seed in range(400)]
    assert np.mean(first_half) == pytest.approx(2_500, abs=4 * (1_875 / 400) ** 0.5)
    assert np.var(first_half) == pytest.approx(1_875, rel=0.3)


def test_draws_by_a_seed_are_the_same_in_every_version() -> None:
    drawn_s = arrivals_s(Constant(rate=0.04).curve(DURATION_S), "poisson", seed=7)
    assert drawn_s.round(6).tolist() == [2.233318, 9.432818, 12.733605, 62.221812]


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        (Constant(rate=5), {0: 5, 99: 5}),
        (Ramp(start=10, end=0), {0: 10, 50: 5}),
        (Step(rates=(1, 2)), {0: 1, 49.9: 1, 50: 2}),
        (Diurnal(base=1, peak=3, peak_at=43_200), {0: 1, 25: 2, 50: 3}),
        (Burst(base=1, peak=7, every=10, length=2), {0: 1, 7.9: 1, 8: 7, 10: 1, 98: 7}),
        (FlashCrowd(base=1, peak=9, at=30, rise=5, hold=10, fall=20), {30: 1, 35: 9, 45: 9, 55: 5, 65: 1}),
        (FlashCrowd(base=1, peak=9, at=30, rise=0, hold=10, fall=0), {29.9: 1, 30: 9, 40: 1}),
        (SawTooth(base=0, peak=8, every=40), {0: 0, 20: 4, 40: 0, 80: 0, 90: 2}),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_a_profile_has_the_rate_that_it_says(profile: Profile, expected: dict[float, float]) -> None:
    found = {at_s: rate_at(profile, at_s) for at_s in expected}
    assert found == pytest.approx(expected)


@pytest.mark.parametrize(
    ("profile", "field"),
    [
        (Diurnal(base=2, peak=1), "peak"),
        (Diurnal(base=1, peak=2, peak_at=86_401), "peak_at"),
        (Step(rates=(1,)), "rates"),
        (Burst(base=1, peak=2, every=0, length=0), "every"),
        (Burst(base=1, peak=2, every=10, length=10), "length"),
        (Burst(base=2, peak=1, every=10, length=1), "peak"),
        (FlashCrowd(base=1, peak=2, at=80, rise=5, hold=10, fall=6), "at"),
        (FlashCrowd(base=2, peak=1, at=0, rise=0, hold=0, fall=0), "peak"),
        (SawTooth(base=1, peak=2, every=101), "every"),
        (SawTooth(base=2, peak=1, every=10), "peak"),
    ],
)
def test_what_does_not_fit_is_told_by_its_field(profile: Profile, field: str) -> None:
    assert field in [rule.field for rule in profile.broken_rules(DURATION_S)]


def test_times_that_add_up_to_the_duration_but_for_rounding_fit() -> None:
    crowd = FlashCrowd(base=1, peak=2, at=0.1, rise=0.2, hold=0.1, fall=0.2)
    assert list(crowd.broken_rules(0.6)) == []


@given(profiles)
def test_a_saved_profile_reads_back(profile: Any) -> None:
    assert TypeAdapter(AnyProfile).validate_json(profile.model_dump_json()) == profile


def test_every_profile_is_registered_and_its_file_is_named_after_its_kind() -> None:
    folder = Path(registry.__file__).parent
    files = {path.stem for path in folder.glob("*.py") if "kind: Literal[" in path.read_text()}
    assert files == set(PROFILES)
