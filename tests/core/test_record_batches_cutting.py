"""A batch is hardly ever longer than a moment of the profile, and all events are in one, in order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.load.send.record_batches.cutting import BATCH_SPAN_S, LOWEST_SHARE, batch_events, cut
from harness.scenario.profiles.burst import Burst
from harness.scenario.profiles.constant import Constant
from harness.scenario.profiles.curve import Curve
from harness.scenario.profiles.ramp import Ramp

LIMIT = 8000
LOAD_S = 4.0
PARTITIONS = 3
curves = st.one_of(
    st.builds(Ramp, start=st.floats(0, 5000), end=st.floats(1, 5000)),
    st.builds(
        Burst, base=st.floats(0, 100), peak=st.floats(100, 5000), every=st.just(2.0), length=st.just(0.5)
    ),
).map(lambda profile: profile.curve(LOAD_S))


@given(curves)
def test_no_batch_spans_longer_than_a_moment_at_any_rate_but_a_very_low_one(curve: Curve) -> None:
    rates = [rate for piece in curve.pieces for rate in (piece.from_rate, piece.to_rate)]
    lowest = max(min(rates), LOWEST_SHARE * max(rates))
    events = batch_events(curve, LIMIT)
    assert events == 1 or events <= lowest * BATCH_SPAN_S


@given(st.lists(st.integers(0, PARTITIONS - 1), max_size=2000), st.integers(1, 50))
def test_every_event_is_in_one_batch_of_its_partition_in_order(partitions: list[int], most: int) -> None:
    placed = ((partition, number) for number, partition in enumerate(partitions))
    batches = list(cut(placed, partitions=PARTITIONS, most=most))
    for partition in range(PARTITIONS):
        own = [number for number, of in enumerate(partitions) if of == partition]
        assert [number for at, events in batches if at == partition for number in events] == own
    assert all(1 <= len(events) <= most for _, events in batches)


def test_no_rate_makes_a_batch_larger_than_it_may_be() -> None:
    assert batch_events(Constant(rate=1e9).curve(LOAD_S), LIMIT) == LIMIT
