"""A batch tells what became of each of its events, once."""

from __future__ import annotations

from harness.load.send.events.due_events import DueEvents
from harness.load.send.outcomes import Failure
from tests.core.events_parts import Report

TIMED_OUT = Failure(outcome="unknown", error="_MSG_TIMED_OUT")


def batch(count: int) -> DueEvents:
    made = DueEvents(
        seqs=range(100, 100 + count),
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
