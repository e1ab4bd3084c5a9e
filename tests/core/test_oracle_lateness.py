"""Late is what the source topic's own order says; an idle partition excuses only what it can explain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.history.reader import History
from harness.oracle.lateness import derive_lateness
from pipeline.base.options import PipelineOptions, StreamOptions
from tests.core.histories import SECOND_NS, closing, event, found, history, malformed, sample, scenario, sent

WINDOW_MIN, DISORDER_MIN = 5, 1


def lateness(run: History) -> dict[int, tuple[bool, bool]]:
    """Of each event whether it is late by order, and whether its being set aside is excused."""
    derive_lateness(run)
    rows = run.rows("SELECT seq, by_order, excused FROM lateness ORDER BY seq")
    return {row["seq"]: (row["by_order"], row["excused"]) for row in rows}


def records(*of: tuple[int, int]) -> list[dict[str, object]]:
    """Records of the source topic, (partition, seq) each, at offsets in the order in which they are given."""
    return [
        {"topic": "events", "partition": partition, "offset": n, "seq": seq}
        for n, (partition, seq) in enumerate(of)
    ]


def obvious(arrivals: Sequence[tuple[int, int]], minutes: Sequence[int]) -> set[int]:
    """The late ones, one record after the other."""
    clocks: dict[int, int] = {}
    seen: set[int] = set()
    late: set[int] = set()
    for partition, seq in arrivals:
        newest = clocks.get(partition)
        closes = minutes[seq] // WINDOW_MIN * WINDOW_MIN + WINDOW_MIN
        if seq not in seen and newest is not None and closes <= newest - DISORDER_MIN:
            late.add(seq)
        seen.add(seq)
        clocks[partition] = minutes[seq] if newest is None else max(newest, minutes[seq])
    return late


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=12), st.data())
def test_lateness_equals_the_obvious_computation(minutes: list[int], data: Any) -> None:
    order = data.draw(st.lists(st.integers(0, len(minutes) - 1), max_size=30))
    arrivals = [(seq % 2, seq) for seq in order]
    run = history(
        plan=[event(seq, minute) for seq, minute in enumerate(minutes)], readback_events=records(*arrivals)
    )
    late = {seq for seq, (by_order, _) in lateness(run).items() if by_order}
    assert late == obvious(arrivals, minutes)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=6), st.data())
def test_of_contradicting_events_the_first_is_judged(minutes: list[int], data: Any) -> None:
    """Event n + count has the identity of event n; both go to one partition."""
    count = len(minutes)
    order = data.draw(st.lists(st.integers(0, 2 * count - 1), max_size=30))
    plan = [event(seq, minute) for seq, minute in enumerate(minutes)]
    plan += [
        event(count + seq, minute, kind="conflict", original_seq=seq, event_id=f"e{seq}", value=9.0)
        for seq, minute in enumerate(minutes)
    ]
    source = [
        {**record, "sent_as": sent_as}
        for record, sent_as in zip(records(*((n % count % 2, n % count) for n in order)), order, strict=True)
    ]
    run = history(plan=plan, readback_events=source)
    late = {seq % count for seq, (by_order, _) in lateness(run).items() if by_order}
    assert late == obvious([(seq % count % 2, seq % count) for seq in order], minutes)


def test_each_partition_has_a_clock_of_its_own() -> None:
    plan = [event(0, 20), event(1, 1), event(2, 1)]
    run = history(plan=plan, readback_events=records((0, 0), (0, 1), (1, 2)))
    assert [by_order for by_order, _ in lateness(run).values()] == [False, True, False]


def test_a_repetition_that_comes_late_makes_nothing_late() -> None:
    run = history(plan=[event(0, 1), event(1, 20)], readback_events=found("events", 0, 1, 0))
    assert not any(by_order for by_order, _ in lateness(run).values())


def test_a_malformed_event_moves_no_clock() -> None:
    run = history(plan=[malformed(0, 20), event(1, 1)], readback_events=found("events", 0, 1))
    assert lateness(run) == {1: (False, False)}


def test_an_event_that_nobody_acknowledged_moves_its_partitions_clock() -> None:
    run = history(
        plan=[event(0, 20), event(1, 1)],
        operations=[sent(0, 0, "unknown"), sent(1, 1)],
        readback_events=found("events", 0, 1),
    )
    assert lateness(run)[1] == (True, False)


SET_ASIDE = found("events_late", 2)
# Partition 1 goes on to minute 30; partition 0 has an event at minute 0, and its next at minute 2.
IDLE_PLAN = [event(0, 0), event(1, 30), event(2, 2), closing(3)]
IDLE_SOURCE = [*records((0, 0), (1, 1), (0, 2), (0, 3)), *SET_ASIDE]


def after_silence(
    silence_s: float, *, other_sent_s: float = 10.0, of: float = 15.0, plan: Any = IDLE_PLAN
) -> History:
    """Event 2 comes so long after its partition's last, and the other partition's event when it was sent."""
    at_ns = round(silence_s * SECOND_NS)
    other_ns = round(other_sent_s * SECOND_NS)
    return history(
        plan=plan,
        operations=[
            sent(0, 0),
            sent(1, 1, started_ns=other_ns, completed_ns=other_ns),
            sent(2, 3, started_ns=at_ns, completed_ns=at_ns),
        ],
        readback_events=IDLE_SOURCE,
        of=scenario(pipeline=PipelineOptions(stream=StreamOptions(idle_timeout_s=of))),
    )


@pytest.mark.parametrize(
    ("silence_s", "timeout_s", "excused"), [(20, 15, True), (12, 15, False), (20, 30, False), (20, 0, False)]
)
def test_only_a_partition_that_may_have_been_idle_excuses(
    silence_s: float, timeout_s: float, excused: bool
) -> None:
    assert lateness(after_silence(silence_s, of=timeout_s))[2] == (False, excused)


@pytest.mark.parametrize(("other_sent_s", "excused"), [(19.0, True), (25.0, False)])
def test_what_other_partitions_got_later_had_not_moved_the_watermark(
    other_sent_s: float, excused: bool
) -> None:
    assert lateness(after_silence(20, other_sent_s=other_sent_s))[2] == (False, excused)


def test_an_idle_partition_excuses_nothing_that_no_other_partition_had_passed() -> None:
    plan = [event(0, 0), event(1, 5), event(2, 2), closing(3)]
    assert lateness(after_silence(20, plan=plan))[2] == (False, False)


def test_what_was_not_set_aside_needs_no_excuse() -> None:
    run = after_silence(20)
    assert lateness(run)[0] == (False, False)


@pytest.mark.parametrize(("job_seen_s", "excused"), [(-20, True), (-4, False)])
def test_before_its_first_event_a_partition_is_idle_from_when_the_job_was_seen(
    job_seen_s: float, excused: bool
) -> None:
    run = history(
        plan=IDLE_PLAN,
        operations=[sent(0, 3)],
        samples=[sample("job_running", job_seen_s, 1.0)],
        readback_events=[*records((1, 1), (0, 2)), *SET_ASIDE],
    )
    assert lateness(run)[2] == (False, excused)


@pytest.mark.parametrize(("newest_minute", "excused"), [(6, True), (5.9, False)])
def test_an_event_that_the_source_has_lost_is_late_when_anything_can_have_made_it_so(
    newest_minute: float, excused: bool
) -> None:
    plan = [event(0, newest_minute), event(1, 1), event(2, 2)]
    run = history(plan=plan, operations=[sent(0, 2)], readback_events=[*found("events", 0), *SET_ASIDE])
    assert lateness(run)[2] == (False, excused)
