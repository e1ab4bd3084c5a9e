"""The oracle's windows equal those of a slow and obvious computation, and it knows what must have closed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.oracle.events import derive_events
from harness.oracle.lake import derive_lake
from harness.oracle.windows import SCALE, closed_until_ms, derive_windows
from tests.core.histories import ORIGIN_MS, closing, event, found, history, malformed
from tests.core.windows import MINUTE_MS, reference

events = st.lists(
    st.tuples(
        st.sampled_from(["N1", "N2"]),
        st.sampled_from(["UA", "DL"]),
        st.one_of(st.integers(0, 120 * MINUTE_MS), st.integers(0, 24).map(lambda n: n * 5 * MINUTE_MS)),
        st.none() | st.floats(-1e6, 1e6),
    ),
    max_size=30,
)


def oracle(rows: Sequence[tuple[str, str, int, float | None]]) -> list[dict[str, Any]]:
    plan = [
        event(seq, offset_ms / MINUTE_MS, entity_id=entity, category=category, value=value)
        for seq, (entity, category, offset_ms, value) in enumerate(rows)
    ]
    # A partition each: no event comes after another in its partition, so none is late.
    source = [{**record, "partition": n} for n, record in enumerate(found("events", *range(len(rows))))]
    run = history(plan=plan, readback_events=source)
    derive_windows(run)
    return run.rows("SELECT * FROM oracle_windows")


@settings(max_examples=40, deadline=None)
@given(events)
def test_windows_equal_the_obvious_computation(rows: list[tuple[str, str, int, float | None]]) -> None:
    expected = reference(rows)
    observed = oracle(rows)
    assert len(observed) == len(expected)
    for row in observed:
        key = (row["window_kind"], row["key"], row["window_start_ms"], row["window_end_ms"])
        values = [value for value in expected[key] if value is not None]
        assert (row["events"], row["measured"]) == (len(expected[key]), len(values))
        assert (row["value_min"], row["value_max"]) == (min(values, default=None), max(values, default=None))
        if values:
            assert row["value_sum"] == pytest.approx(
                math.fsum(values), rel=1e-9, abs=1e-9 * row["scaled_magnitude"] / SCALE
            )
        else:
            assert row["value_sum"] is None


@pytest.mark.parametrize(("gap_minutes", "count"), [(29.999, 1), (30.0, 1), (30.001, 2)])
def test_a_session_ends_where_the_gap_is_exceeded(gap_minutes: float, count: int) -> None:
    rows = oracle([("N1", "UA", 0, 1.0), ("N1", "UA", round(gap_minutes * MINUTE_MS), 1.0)])
    assert len([row for row in rows if row["window_kind"] == "session"]) == count


def given_events(readback: list[dict[str, object]], *plan: dict[str, object]) -> list[dict[str, Any]]:
    run = history(plan=plan, readback_events=readback)
    derive_events(run)
    return run.rows("SELECT seq FROM oracle_events ORDER BY seq")


PLAN = (event(0, 0), event(1, 1, kind="duplicate", original_seq=0), malformed(2), event(3, 2))


def test_an_event_counts_once_however_often_it_was_sent() -> None:
    assert given_events(found("events", 0, 0), *PLAN) == [{"seq": 0}]


def test_malformed_and_absent_events_do_not_count() -> None:
    assert given_events(found("events", 0, 2), *PLAN) == [{"seq": 0}]


def test_an_event_that_the_pipeline_took_before_the_source_lost_it_counts() -> None:
    assert given_events(found("events_valid", 3), *PLAN) == [{"seq": 3}]


@pytest.mark.parametrize("set_aside", [[], found("events_late", 3)])
def test_a_late_event_is_in_no_window_whatever_the_pipeline_makes_of_it(
    set_aside: list[dict[str, object]],
) -> None:
    plan = (event(0, 7), *PLAN[1:])
    run = history(plan=plan, readback_events=[*found("events", 0, 3), *set_aside])
    derive_windows(run)
    assert run.columns("SELECT * FROM oracle_windows")["value_sum"].tolist() == [1.0] * 5


def test_the_horizon_is_what_the_oldest_closing_event_that_arrived_reaches() -> None:
    plan = [closing(0, 100), closing(1, 90), closing(2, 80)]
    run = history(plan=plan, readback_events=found("events", 0, 1))
    assert closed_until_ms(run) == ORIGIN_MS + 89 * MINUTE_MS


def test_without_closing_events_there_is_no_horizon() -> None:
    assert closed_until_ms(history(plan=[closing(0)])) is None


def test_silver_is_to_hold_what_the_first_copy_in_the_source_said() -> None:
    plan = [event(0, 1), event(1, 1, kind="conflict", original_seq=0, event_id="e0", value=99.5)]
    source = [{**row, "sent_as": sent_as} for row, sent_as in zip(found("events", 0, 0), (1, 0), strict=True)]
    timed = [{**row, "event_time_ms": ORIGIN_MS + MINUTE_MS} for row in source]
    run = history(plan=plan, readback_events=timed)
    derive_lake(run)
    assert run.rows("SELECT event_id, value FROM oracle_silver") == [{"event_id": "e0", "value": 99.5}]


def conflict(seq: int, of: int, value: float, minute: float = 0) -> dict[str, object]:
    """An event with the identity of another, and another value."""
    return event(seq, minute, kind="conflict", original_seq=of, event_id=f"e{of}", value=value)


def arrived(topic: str, *sendings: tuple[int, int]) -> list[dict[str, object]]:
    """Records of a topic, (seq, sent_as) each, in the order in which they lie."""
    records = found(topic, *(seq for seq, _ in sendings))
    return [{**record, "sent_as": sent_as} for record, (_, sent_as) in zip(records, sendings, strict=True)]


CONFLICT = (event(0, 0, value=1.0), conflict(1, 0, 2.0), event(2, 1, kind="duplicate", original_seq=0))


@pytest.mark.parametrize(
    ("source", "kept"),
    [((0, 1), 0), ((1, 0), 1), ((0, 0, 1), 0), ((1, 0, 0), 1), ((0,), 0), ((1,), 1)],
)
def test_of_an_identity_the_first_to_arrive_is_kept(source: tuple[int, ...], kept: int) -> None:
    run = history(plan=CONFLICT, readback_events=arrived("events", *((0, sent_as) for sent_as in source)))
    derive_events(run)
    assert run.rows("SELECT seq, sent_as, value FROM oracle_events") == [
        {"seq": 0, "sent_as": kept, "value": 1.0 + kept}
    ]


def test_an_id_that_comes_back_at_another_time_is_another_event() -> None:
    plan = (event(0, 0), event(1, 1, event_id="e0"))
    assert given_events(found("events", 0, 1), *plan) == [{"seq": 0}, {"seq": 1}]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 5), max_size=12))
def test_kept_events_equal_the_obvious_computation(arrivals: list[int]) -> None:
    """Of three identities, each with an event and one that contradicts it."""
    plan = [event(seq, seq) if seq < 3 else conflict(seq, seq - 3, 9.0, seq - 3) for seq in range(6)]
    kept: dict[int, int] = {}
    for sent_as in arrivals:
        kept.setdefault(sent_as % 3, sent_as)
    run = history(plan=plan, readback_events=arrived("events", *((n % 3, n) for n in arrivals)))
    derive_events(run)
    observed = run.rows("SELECT seq, sent_as FROM oracle_events ORDER BY seq")
    assert {row["seq"]: row["sent_as"] for row in observed} == kept


def test_a_window_has_the_value_of_the_first_to_arrive() -> None:
    run = history(plan=CONFLICT, readback_events=arrived("events", (0, 1), (0, 0)))
    derive_windows(run)
    assert set(run.columns("SELECT * FROM oracle_windows")["value_sum"].tolist()) == {2.0}
