"""When events are sent, and which time they bear."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.base.clocks import Clocks
from harness.base.event_clock import EventClock, origin_for
from harness.load.workers.config import LoadConfig
from harness.load.workers.source import EventsSource
from tests.core.histories import run_info

SPANS_MS = st.integers(min_value=0, max_value=30 * 86_400_000)
STARTS_MS = st.integers(min_value=1_600_000_000_000, max_value=2_000_000_000_000)
SCALES = st.floats(min_value=1, max_value=100_000)


def clock(origin_ms: int = 0, load_start_ns: int = 0, time_scale: float = 1.0) -> EventClock:
    return EventClock(origin_ms=origin_ms, load_start_ns=load_start_ns, time_scale=time_scale)


@given(SPANS_MS, STARTS_MS, SCALES, st.floats(0, 1), st.floats(0, 1))
def test_an_event_lies_in_the_past_when_it_is_sent(
    span_ms: int, start_ms: int, scale: float, at: float, behind: float
) -> None:
    event_offset_ms, send_offset_ms = int(span_ms * at), int(span_ms * at * behind)
    events = clock(origin_for(span_ms=span_ms, start_unix_ms=start_ms), time_scale=scale)
    assert events.event_time_ms(event_offset_ms) <= start_ms + events.send_ns(send_offset_ms) / 1e6


@given(SPANS_MS, STARTS_MS)
def test_the_origin_is_a_whole_hour_and_not_older_than_it_must_be(span_ms: int, start_ms: int) -> None:
    origin_ms = origin_for(span_ms=span_ms, start_unix_ms=start_ms)
    assert origin_ms % 3_600_000 == 0
    assert start_ms - span_ms - origin_ms < 3_600_000


@given(st.lists(SPANS_MS, min_size=1), SCALES, st.integers(0, 10**12))
def test_events_are_sent_in_the_order_of_their_offsets(
    offsets: list[int], scale: float, start_ns: int
) -> None:
    sends = [clock(0, start_ns, scale).send_ns(offset) for offset in sorted(offsets)]
    assert sends == sorted(sends)
    assert sends[0] >= start_ns


@given(st.lists(SPANS_MS, min_size=1), SCALES, st.integers(0, 10**12))
def test_many_events_at_once_are_sent_when_each_alone_would_be(
    offsets: list[int], scale: float, start_ns: int
) -> None:
    events = clock(0, start_ns, scale)
    assert events.send_ns_of(np.array(offsets)).tolist() == [events.send_ns(offset) for offset in offsets]


def test_time_scale_squeezes_the_wall_clock() -> None:
    assert clock(load_start_ns=5, time_scale=360.0).send_ns(3_600_000) == 5 + 10 * 10**9


def test_the_processes_of_a_run_have_its_clocks() -> None:
    info = run_info(load_start_ns=5, epoch_monotonic_ns=7)
    told = Clocks.model_validate_json(info.clocks.model_dump_json())
    assert told.event_clock == clock(info.origin_ms, 5, info.time_scale)
    assert told.run_clock.epoch_utc().isoformat() == "2026-01-01T00:00:00+00:00"
    assert told.run_clock.epoch_monotonic_ns == 7


@pytest.mark.parametrize(("starts_with_test", "start_ns"), [(False, 5), (True, 9)])
def test_a_load_starts_on_time_or_with_locusts_test(starts_with_test: bool, start_ns: int) -> None:
    nowhere = Path("nowhere")
    config = LoadConfig(
        endpoints=nowhere,
        topic="events",
        source=EventsSource(plan=nowhere),
        history=nowhere,
        progress=nowhere,
        clocks=run_info(load_start_ns=5).clocks,
        starts_with_test=starts_with_test,
    )
    assert config.started(now_ns=9).load_start_ns == start_ns
