"""What is said of another machine's clock is true, whatever the network does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.load.join.clock_offset import (
    SAME_CLOCK,
    ClockOffset,
    Exchange,
    estimate,
    on_one_machine,
    throughout,
)

NS = st.integers(-(2**60), 2**60)
DELAY = st.integers(0, 10**12)
OFFSETS = st.builds(ClockOffset, offset_ns=NS, uncertainty_ns=DELAY)


def exchange(offset_ns: int, asked_ns: int, there_ns: int, thinks_ns: int, back_ns: int) -> Exchange:
    received_ns = asked_ns + there_ns + offset_ns
    answered_ns = received_ns + thinks_ns
    return Exchange(
        asked_ns=asked_ns,
        received_ns=received_ns,
        answered_ns=answered_ns,
        returned_ns=answered_ns + back_ns - offset_ns,
    )


@given(NS, st.lists(st.tuples(NS, DELAY, DELAY, DELAY), min_size=1))
def test_the_true_offset_lies_within_the_uncertainty(
    true_ns: int, ways: list[tuple[int, int, int, int]]
) -> None:
    told = estimate([exchange(true_ns, *way) for way in ways])
    assert abs(told.offset_ns - true_ns) <= told.uncertainty_ns


@given(NS, st.lists(st.tuples(NS, DELAY, DELAY, DELAY), min_size=1))
def test_the_uncertainty_is_half_of_the_shortest_delay(
    true_ns: int, ways: list[tuple[int, int, int, int]]
) -> None:
    shortest_ns = min(there + back for _, there, _, back in ways)
    assert estimate([exchange(true_ns, *way) for way in ways]).uncertainty_ns == (shortest_ns + 1) // 2


def test_an_answer_from_before_its_question_is_refused() -> None:
    with pytest.raises(ValueError, match="not monotonic"):
        estimate([Exchange(asked_ns=0, received_ns=5, answered_ns=9, returned_ns=3)])


@given(OFFSETS, OFFSETS, st.floats(0, 1), st.floats(-1, 1), st.floats(-1, 1))
def test_a_clock_that_drifts_stays_within_what_is_said_of_it(
    start: ClockOffset, end: ClockOffset, when: float, at_start: float, at_end: float
) -> None:
    true_start_ns = start.offset_ns + round(at_start * start.uncertainty_ns)
    true_end_ns = end.offset_ns + round(at_end * end.uncertainty_ns)
    true_ns = true_start_ns + round(when * 1000) * (true_end_ns - true_start_ns) // 1000
    told = throughout(start, end)
    assert told.offset_ns == start.offset_ns
    assert abs(true_ns - told.offset_ns) <= told.uncertainty_ns + 1


@given(DELAY, DELAY)
def test_processes_of_one_machine_have_no_offset(there_ns: int, back_ns: int) -> None:
    assert on_one_machine(estimate([exchange(0, 7, there_ns, 1, back_ns)])) == SAME_CLOCK


def test_a_measurement_may_deny_that_a_clock_is_shared() -> None:
    other = ClockOffset(offset_ns=1_000, uncertainty_ns=999)
    assert on_one_machine(other) == other
