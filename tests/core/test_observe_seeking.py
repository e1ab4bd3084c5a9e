"""The prober looks for every sampled event until it is found, and tells of nothing that was there before."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.base.event_clock import EventClock, day_of, days_between
from harness.observe.prober.probe_plan import Sought, WindowKey, probe_plan
from harness.observe.prober.seeking import EventSeeker, WindowSeeker
from tests.core.events_parts import plan_row, write_plan

CLOCK = EventClock(origin_ms=86_400_000, load_start_ns=1_000, time_scale=10.0)
KEY = WindowKey(kind="tumbling", key="UA")


def sought(name: str, entity: str = "e", send_ns: int = 1, time_ms: int = 5) -> Sought:
    return Sought(event_id=name, entity_id=entity, event_time_ms=time_ms, send_ns=send_ns)


def test_an_event_is_looked_for_once_it_is_sent() -> None:
    seeker = EventSeeker([sought("a", send_ns=10)])
    seeker.await_sent(9)
    assert seeker.next_read() is None
    seeker.await_sent(10)
    assert seeker.next_read() == (("e", day_of(5)), [("a", 5)])


def test_an_event_is_looked_for_until_it_is_found_and_then_no_more() -> None:
    seeker = EventSeeker([sought("a")])
    seeker.await_sent(1)
    for _ in range(100):
        assert seeker.next_read() is not None
    partition = ("e", day_of(5))
    assert seeker.found(partition, [("a", 5), ("stranger", 5)]) == [("a", 5)]
    assert seeker.next_read() is None
    assert seeker.found(partition, [("a", 5)]) == []


@given(st.lists(st.integers(0, 4), min_size=1, max_size=120))
def test_every_awaited_event_gets_its_turn(entities: list[int]) -> None:
    seeker = EventSeeker([sought(str(n), entity=str(entity)) for n, entity in enumerate(entities)])
    seeker.await_sent(1)
    asked: set[str] = set()
    for _ in range(5 * 5):
        turn = seeker.next_read()
        assert turn is not None
        asked |= {event_id for event_id, _ in turn[1]}
    assert asked == {str(n) for n in range(len(entities))}


def test_more_events_of_a_partition_than_one_read_takes_get_their_turns() -> None:
    seeker = EventSeeker([sought(str(n)) for n in range(60)])
    seeker.await_sent(1)
    turns = [seeker.next_read() for _ in range(4)]
    assert {event_id for turn in turns if turn for event_id, _ in turn[1]} == {str(n) for n in range(60)}


def test_an_event_that_comes_later_is_not_forgotten_when_its_partition_was_empty() -> None:
    seeker = EventSeeker([sought("a"), sought("b", send_ns=2)])
    seeker.await_sent(1)
    seeker.found(("e", day_of(5)), [("a", 5)])
    seeker.await_sent(2)
    assert seeker.next_read() == (("e", day_of(5)), [("b", 5)])


def test_windows_that_were_there_first_are_not_new() -> None:
    seeker = WindowSeeker([KEY])
    assert seeker.found(KEY, [(0, 5)], 100) == []
    assert seeker.found(KEY, [(5, 10), (0, 5)], 100) == [(5, 10)]
    assert seeker.found(KEY, [(5, 10), (0, 5)], 100) == []


def test_a_read_that_is_all_new_is_followed_by_a_deeper_one() -> None:
    seeker = WindowSeeker([KEY])
    seeker.found(KEY, [], 100)
    turn = seeker.next_read()
    assert turn is not None
    seeker.found(KEY, [(n, n + 5) for n in range(turn[1])], turn[1])
    deeper = seeker.next_read()
    assert deeper is not None
    assert deeper[1] > turn[1]


def test_a_first_read_that_may_have_more_behind_it_does_not_make_that_new() -> None:
    seeker = WindowSeeker([KEY])
    seeker.found(KEY, [(2, 7)], 1)
    assert seeker.found(KEY, [(2, 7), (1, 6)], 100) == []
    assert seeker.found(KEY, [(3, 8), (2, 7)], 100) == [(3, 8)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15, deadline=None)
@given(rows=st.integers(1, 200), samples=st.integers(1, 50), entities=st.integers(1, 6))
def test_as_many_events_are_sampled_as_wanted_if_there_are_so_many(
    tmp_path: Path, rows: int, samples: int, entities: int
) -> None:
    path = write_plan(tmp_path / "plan.parquet", [plan_row(seq) for seq in range(rows)])
    plan = probe_plan(path, CLOCK, samples=samples, entities=entities, categories=1)
    assert len(plan.events) == min(samples, rows)
    assert [event.send_ns for event in plan.events] == sorted(event.send_ns for event in plan.events)


def test_the_sample_is_of_the_busiest_entities_where_these_have_enough(tmp_path: Path) -> None:
    rows = [plan_row(seq, entity_id="busy" if seq % 4 else f"e{seq}") for seq in range(40)]
    plan = probe_plan(write_plan(tmp_path / "p.parquet", rows), CLOCK, samples=5, entities=1, categories=1)
    assert {event.entity_id for event in plan.events} == {"busy"}


def test_only_valid_events_are_sampled(tmp_path: Path) -> None:
    kinds = ["malformed", "duplicate", "closing", "valid"]
    rows = [plan_row(seq, kind=kind, entity_id="e") for seq, kind in enumerate(kinds)]
    plan = probe_plan(write_plan(tmp_path / "p.parquet", rows), CLOCK, samples=9, entities=9, categories=9)
    assert plan.events == (Sought(event_id="id-3", entity_id="e", event_time_ms=86_400_003, send_ns=301_000),)


def test_windows_are_of_the_busiest_categories_and_the_busiest_entity(tmp_path: Path) -> None:
    rows = [plan_row(seq, category="b" if seq % 3 else "a", entity_id="e") for seq in range(9)]
    plan = probe_plan(write_plan(tmp_path / "p.parquet", rows), CLOCK, samples=1, entities=1, categories=1)
    assert [(window.kind, window.key) for window in plan.windows] == [
        ("tumbling", "b"),
        ("hopping", "b"),
        ("session", "e"),
    ]


@given(st.integers(0, 10**13), st.integers(0, 10**10), st.integers(1, 20))
def test_days_reach_to_the_last_one(first_ms: int, span_ms: int, at_most: int) -> None:
    days = days_between(first_ms, first_ms + span_ms, at_most=at_most)
    assert days[-1] == day_of(first_ms + span_ms)
    assert len(days) <= at_most
    assert days == sorted(set(days))
    assert len(days) == at_most or days[0] == day_of(first_ms)
