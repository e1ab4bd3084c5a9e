"""Ranges tell the outcome of every event, and of no other."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.load.replay_batch import Batch, coalesce, tolerance_ns
from harness.load.replay_outcome import Failure
from tests.core.replay_parts import Report

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


def failures(events: list[tuple[int, int, Failure | None]]) -> dict[int, Failure]:
    return {index: failure for index, (_, _, failure) in enumerate(events) if failure is not None}


@given(EVENTS)
def test_ranges_hold_each_completed_event_once(events: list[tuple[int, int, Failure | None]]) -> None:
    ranges = coalesce(
        [1] * len(events), [s for s, _, _ in events], [c for _, c, _ in events], failures(events)
    )
    held = [index for known in ranges for index in range(known.first, known.last + 1)]
    assert held == [index for index, (_, completed, _) in enumerate(events) if completed > 0]


@given(EVENTS)
def test_events_of_a_range_are_alike(events: list[tuple[int, int, Failure | None]]) -> None:
    started, completed = [s for s, _, _ in events], [c for _, c, _ in events]
    for known in coalesce([1] * len(events), started, completed, failures(events)):
        inside = slice(known.first, known.last + 1)
        allowed_ns = tolerance_ns(completed[known.first] - 1)
        assert {failure for _, _, failure in events[inside]} == {known.failure}
        assert known.started_ns == min(started[inside])
        assert known.completed_ns == max(completed[inside])
        assert max(started[inside]) - min(started[inside]) <= allowed_ns
        assert max(completed[inside]) - min(completed[inside]) <= allowed_ns


@given(st.integers(1, 5000))
def test_a_batch_that_went_well_is_one_range(count: int) -> None:
    assert len(list(coalesce([1] * count, [2] * count, [3] * count, {}))) == 1


def batch(count: int) -> Batch:
    made = Batch(
        first_seq=100,
        keys=[b"k"] * count,
        payloads=[b"p"] * count,
        event_times_ms=[0] * count,
        intended_ns=[1] * count,
        opened_ns=1,
    )
    made.started_ns[:] = [1] * count
    return made


def test_a_batch_tells_what_is_known_once_and_the_rest_later() -> None:
    made = batch(3)
    made.delivered(0, None, Report())  # type: ignore[arg-type]
    made.delivered(2, None, Report())  # type: ignore[arg-type]
    assert [(known.first, known.last) for known in made.take_ranges()] == [(0, 0), (2, 2)]
    assert not made.settled
    made.delivered(1, None, Report())  # type: ignore[arg-type]
    assert [(known.first, known.last) for known in made.take_ranges()] == [(1, 1)]
    assert made.settled


def test_an_outcome_that_is_known_is_not_changed_at_the_end() -> None:
    made = batch(1)
    made.delivered(0, None, Report())  # type: ignore[arg-type]
    made.settle(0, TIMED_OUT, 5)
    assert [known.failure for known in made.take_ranges()] == [None]
