"""A batch is never longer than a moment of the profile, and all events are in one, in order."""

from __future__ import annotations

from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from harness.load.profiles.burst import Burst
from harness.load.profiles.constant import Constant
from harness.load.profiles.curve import Curve
from harness.load.profiles.ramp import Ramp
from harness.load.wire.cutting import BATCH_SPAN_S, cut, most_at

LIMIT = 8000
LOAD_S = 4.0
PARTITIONS = 3
curves = st.one_of(
    st.builds(Ramp, start=st.floats(0, 5000), end=st.floats(1, 5000)),
    st.builds(
        Burst, base=st.floats(0, 100), peak=st.floats(100, 5000), every=st.just(2.0), length=st.just(0.5)
    ),
).map(lambda profile: profile.curve(LOAD_S))


def batches(curve: Curve, partitions: list[int]) -> list[tuple[int, list[int]]]:
    placed = ((partition, number) for number, partition in enumerate(partitions))
    return list(cut(placed, partitions=PARTITIONS, most_at=lambda n: most_at(curve, n, LIMIT)))


@given(curves, st.lists(st.integers(0, PARTITIONS - 1), max_size=2000))
def test_no_batch_is_longer_than_its_span_unless_it_is_a_single_event(
    curve: Curve, partitions: list[int]
) -> None:
    sizes = [len(events) for _, events in batches(curve, partitions)]
    for first, size in zip(accumulate(sizes, initial=0), sizes, strict=False):
        span_s = curve.reached_s(first + size - 0.5) - curve.reached_s(first + 0.5)
        assert size == 1 or span_s <= BATCH_SPAN_S + 1e-9


@given(curves, st.lists(st.integers(0, PARTITIONS - 1), max_size=2000))
def test_every_event_is_in_one_batch_of_its_partition_in_order(curve: Curve, partitions: list[int]) -> None:
    cut_up = batches(curve, partitions)
    for partition in range(PARTITIONS):
        own = [number for number, placed in enumerate(partitions) if placed == partition]
        assert [number for at, events in cut_up if at == partition for number in events] == own


def test_a_steady_rate_fills_batches_for_their_whole_span() -> None:
    curve = Constant(rate=10_000.0).curve(LOAD_S)
    sizes = [len(events) for _, events in batches(curve, [0] * 1000)]
    assert set(sizes[:-1]) <= {round(10_000 * BATCH_SPAN_S) - 1, round(10_000 * BATCH_SPAN_S)}


def test_no_rate_makes_a_batch_larger_than_it_may_be() -> None:
    assert most_at(Constant(rate=1e9).curve(LOAD_S), 0, LIMIT) == LIMIT


def test_events_beyond_the_profiles_end_go_together() -> None:
    curve = Constant(rate=10.0).curve(LOAD_S)
    assert most_at(curve, curve.events, LIMIT) == LIMIT
