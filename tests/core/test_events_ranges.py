"""Ranges tell the outcome of every event, and of no other."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.load.send.events.ranges import TOLERANCES, Completions, Tolerance, coalesce, coalesce_within, few
from harness.load.send.outcomes import Failure

REFUSED = Failure(outcome="fail", error="MSG_SIZE_TOO_LARGE")
TIMED_OUT = Failure(outcome="unknown", error="_MSG_TIMED_OUT")

# An event: started, completed (not positive: not yet, or recorded already), and why it failed.
EVENTS = st.lists(
    st.tuples(
        st.integers(1, 10**9),
        st.one_of(st.integers(-1, 0), st.integers(10**9, 10**10)),
        st.sampled_from([None, None, None, REFUSED, TIMED_OUT]),
    )
)
Event = tuple[int, int, Failure | None]


def completions(events: list[Event]) -> Completions:
    return Completions(
        seqs=range(len(events)),
        intended_ns=[1] * len(events),
        started_ns=[started for started, _, _ in events],
        completed_ns=[completed for _, completed, _ in events],
        failures={index: failure for index, (_, _, failure) in enumerate(events) if failure is not None},
    )


@given(EVENTS)
def test_ranges_hold_each_completed_event_once(events: list[Event]) -> None:
    ranges = coalesce(completions(events))
    held = [index for known in ranges for index in range(known.first, known.last + 1)]
    assert held == [index for index, (_, completed, _) in enumerate(events) if completed > 0]


@given(EVENTS, st.sampled_from(TOLERANCES))
def test_events_of_a_range_are_alike(events: list[Event], tolerance: Tolerance) -> None:
    for known in coalesce_within(tolerance, completions(events)):
        inside = events[known.first : known.last + 1]
        started, completed = [s for s, _, _ in inside], [c for _, c, _ in inside]
        allowed_ns = tolerance.allowed_ns(min(completed) - 1)
        assert {failure for _, _, failure in inside} == {known.failure}
        assert (known.started_ns, known.completed_ns) == (min(started), max(completed))
        assert max(started) - min(started) <= allowed_ns
        assert max(completed) - min(completed) <= allowed_ns


@given(st.integers(1, 5000))
def test_a_batch_that_went_well_is_one_range(count: int) -> None:
    assert len(coalesce(completions([(2, 3, None)] * count))) == 1


def test_one_refusal_among_many_is_a_range_of_its_own() -> None:
    ranges = coalesce(completions([(2, 3, None), (2, 3, REFUSED), (2, 3, None)]))
    assert [(known.first, known.last, known.failure) for known in ranges] == [
        (0, 0, None),
        (1, 1, REFUSED),
        (2, 2, None),
    ]


def test_the_tolerance_is_loosened_only_where_ranges_are_too_many() -> None:
    def ranges(apart_ns: int, count: int) -> int:
        return len(coalesce(completions([(2, 10**9 + apart_ns * (n % 2), None) for n in range(count)])))

    close_ns, far_ns = 200_000_000, 20 * 10**9
    assert ranges(close_ns, 4) == 4 <= few(4)
    assert ranges(close_ns, 1600) == 1
    assert ranges(far_ns, 1600) == 1600
