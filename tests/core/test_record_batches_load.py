"""What a scenario's load of record batches is made of, and what is refused before anything starts."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.base.errors import InvalidInput, RunError
from harness.load.plan.extent import event_span_ms, events_at_most
from harness.load.plan.file import PlanFile
from harness.load.send.record_batches.encoded_batch import HEADER_BYTES
from harness.load.send.record_batches.trace import EncodedTrace
from harness.load.workers.prepared_load import encoded_trace, record_batches_source
from harness.scenario.model import Scenario
from tests.core.events_parts import plan_row, write_plan
from tests.core.scenario_parts import rides

ROWS = 1000


def record_batches(**changes: object) -> Scenario:
    topics = {"pipeline__deploy": [], "load__path": "record_batches", "expect": [], "faults": []}
    return rides(**topics | changes)


def plan(folder: Path, rows: int = ROWS) -> PlanFile:
    path = write_plan(folder / "plan.parquet", [plan_row(seq) for seq in range(rows)])
    return PlanFile(path=path, key="k", events=rows + 2, counts={"closing": 2}, span_ms=7, last_send_ms=7)


def test_without_a_profile_the_load_is_all_that_the_platform_takes_in_the_time(tmp_path: Path) -> None:
    scenario = record_batches()
    source = record_batches_source(scenario, tmp_path)
    assert (source.duration_s, source.schedule) == (scenario.load.duration, None)
    assert source.events == events_at_most(scenario.load.duration)


def test_with_a_profile_the_load_is_what_the_profile_says_however_short_the_trace(tmp_path: Path) -> None:
    scenario = record_batches(load__profile={"kind": "constant", "rate": "50k/s"})
    source = record_batches_source(scenario, tmp_path)
    assert (source.duration_s, source.events) == (None, 50_000 * scenario.load.duration)
    assert source.schedule is not None
    assert source.schedule.duration_s == scenario.load.duration


def test_the_batches_of_a_profile_are_as_short_as_its_rate_is_low(tmp_path: Path) -> None:
    slow = record_batches(load__profile={"kind": "constant", "rate": "100/s"})
    fast = record_batches(load__profile={"kind": "constant", "rate": "500/s"})
    for scenario, events in ((slow, 2), (fast, 10)):
        path = encoded_trace(scenario, plan(tmp_path), cache=tmp_path, report=lambda _: None)
        sizes = [placed.batch.count for lane in EncodedTrace.open(path).lanes for placed in lane]
        assert max(sizes) == events


def test_the_event_clock_has_room_for_every_repetition(tmp_path: Path) -> None:
    load = record_batches().load
    span_ms = event_span_ms(load, plan(tmp_path))
    assert span_ms > load.event_span * 1000 * (events_at_most(load.duration) // ROWS)


def test_a_load_of_single_events_covers_what_its_plan_does(tmp_path: Path) -> None:
    assert event_span_ms(rides().load, plan(tmp_path)) == 7


def test_repetitions_that_would_outlive_the_retention_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"load\.event_span: .*retention of 604,800 s"):
        encoded_trace(record_batches(), plan(tmp_path), cache=tmp_path, report=lambda _: None)


def test_the_first_repetition_outlives_the_clocks_whole_hour_the_load_and_the_drain(tmp_path: Path) -> None:
    oldest_s = 2 * 3600.001 + 3600 + 30 + 120
    for retention_s, kept in ((int(oldest_s), False), (int(oldest_s) + 1, True)):
        options = {"deploy": [], "topics": {"retention": f"{retention_s}s"}}
        scenario = record_batches(load__profile={"kind": "constant", "rate": "60/s"}, pipeline=options)
        with nullcontext() if kept else pytest.raises(InvalidInput, match="retention"):
            encoded_trace(scenario, plan(tmp_path), cache=tmp_path, report=lambda _: None)


def encoded_ahead(folder: Path, said: list[str]) -> Path:
    scenario = record_batches(load__profile={"kind": "constant", "rate": "50/s"})
    encoded_trace(scenario, plan(folder), cache=folder, report=said.append)
    (trace,) = (folder / "encoded").glob("*.batches")
    return trace


def test_what_is_whole_in_the_cache_is_not_encoded_again(tmp_path: Path) -> None:
    said: list[str] = []
    trace = encoded_ahead(tmp_path, said)
    made = trace.stat().st_mtime_ns
    assert encoded_ahead(tmp_path, said).stat().st_mtime_ns == made
    assert len(said) == 1


@given(data=st.data())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_was_damaged_in_the_cache_is_told_and_encoded_again(tmp_path: Path, data: st.DataObject) -> None:
    trace = encoded_ahead(tmp_path, [])
    whole = trace.read_bytes()
    placed = data.draw(st.sampled_from([p for lane in EncodedTrace.open(trace).lanes for p in lane]))
    end = placed.position + placed.batch.size_bytes
    at = data.draw(st.integers(placed.position + HEADER_BYTES, end - 1))
    trace.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    said: list[str] = []
    encoded_ahead(tmp_path, said)
    assert said[0].startswith(f"{trace}: the batch at byte {placed.position:,} is damaged")
    assert trace.read_bytes() == whole


def test_an_encoded_trace_that_lacks_events_of_its_plan_is_refused(tmp_path: Path) -> None:
    scenario = record_batches(load__profile={"kind": "constant", "rate": "50/s"})
    more = replace(plan(tmp_path), events=ROWS + 6)
    with pytest.raises(RunError, match="has 1,000 of the plan's 1,004 events: this is a fault of Floodmark"):
        encoded_trace(scenario, more, cache=tmp_path, report=lambda _: None)


def test_what_was_cut_off_in_the_cache_is_told_and_encoded_again(tmp_path: Path) -> None:
    trace = encoded_ahead(tmp_path, [])
    whole = trace.read_bytes()
    trace.write_bytes(whole[:-1])
    said: list[str] = []
    encoded_ahead(tmp_path, said)
    assert f"{trace} ends at byte {len(whole) - 1:,}" in said[0]
    assert trace.read_bytes() == whole


def test_batches_are_no_larger_than_the_topologys_brokers_take(tmp_path: Path) -> None:
    scenario = record_batches(load__profile={"kind": "constant", "rate": "50/s"})
    brokers = scenario.topology.services["kafka"]
    small = {n: r.model_copy(update={"settings": {"message.max.bytes": 400}}) for n, r in brokers.items()}
    topology = scenario.topology.model_copy(update={"services": {"kafka": small}})
    told = scenario.model_copy(update={"topology": topology})
    trace = encoded_trace(told, plan(tmp_path), cache=tmp_path, report=lambda _: None)
    assert 0 < EncodedTrace.open(trace).largest_bytes <= 400
