"""Latency logs: HdrHistogram's own reader reads them, workers add up, and damage is told."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.base.run_clock import RunClock
from harness.history import latency_log
from harness.history.latencies import Latencies, read_latencies
from harness.history.latency_log import LatencyLog, empty_histogram
from harness.history.operations import OperationsWriter
from tests.core.events_parts import Hand

MS = 1_000_000
EPOCH_S = 1_767_225_600


@pytest.fixture
def hand() -> Hand:
    return Hand()


def clock(hand: Hand) -> RunClock:
    return RunClock(epoch_unix_ns=EPOCH_S * 10**9, epoch_monotonic_ns=0, monotonic_ns=hand)


def intervals(path: Path) -> list[HdrHistogram]:
    reader = HistogramLogReader(str(path), empty_histogram())
    found = list(iter(reader.get_next_interval_histogram, None))
    reader.close()
    return found


def counted(read: Latencies) -> dict[str, int]:
    return {tag: histogram.get_total_count() for tag, histogram in read.histograms.items()}


def operation(
    writer: OperationsWriter, outcome: str = "ok", count: int = 1, intended_ns: int | None = 0
) -> None:
    writer.add(
        kind="produce",
        first_seq=0,
        last_seq=count - 1,
        partition=0,
        count=count,
        bytes=0,
        intended_ns=intended_ns,
        started_ns=20 * MS,
        completed_ns=50 * MS,
        outcome=outcome,  # type: ignore[arg-type]
        error="",
    )


def test_an_interval_is_read_by_the_librarys_own_reader(tmp_path: Path, hand: Hand) -> None:
    log = LatencyLog(tmp_path, "w", clock(hand))
    hand.ns = 3 * 10**9
    log.record("produce.response", 7 * MS, 5)
    log.close()
    (interval,) = intervals(tmp_path / "latency-w.hlog")
    assert (interval.get_tag(), interval.get_total_count()) == ("produce.response", 5)
    assert interval.get_end_time_stamp() == (EPOCH_S + 3) * 1000
    assert interval.get_value_at_percentile(50) == pytest.approx(7000, rel=1e-3)


def test_an_interval_is_written_when_it_is_over(tmp_path: Path, hand: Hand) -> None:
    log = LatencyLog(tmp_path, "w", clock(hand), every_s=1.0)
    log.record("produce.wait", MS, 1)
    log.flush_if_due()
    assert counted(read_latencies(tmp_path)) == {}
    hand.ns += 10**9
    log.flush_if_due()
    assert counted(read_latencies(tmp_path)) == {"produce.wait": 1}


def test_wait_service_and_response_are_counted_by_event(tmp_path: Path, hand: Hand) -> None:
    writer = OperationsWriter(tmp_path, "w", clock(hand))
    operation(writer, count=9)
    writer.close()
    read = read_latencies(tmp_path)
    medians = {tag: h.get_value_at_percentile(50) for tag, h in read.histograms.items()}
    for part, ms in (("wait", 20), ("service", 30), ("response", 50)):
        assert medians[f"produce.{part}"] == pytest.approx(ms * 1000, rel=1e-3)
        assert read.count("produce", part) == 9


@pytest.mark.parametrize("outcome", ["fail", "unknown"])
def test_what_was_not_acknowledged_is_counted_apart(tmp_path: Path, hand: Hand, outcome: str) -> None:
    writer = OperationsWriter(tmp_path, "w", clock(hand))
    operation(writer, outcome, count=4)
    writer.close()
    assert counted(read_latencies(tmp_path)) == {f"produce.{outcome}": 4}


@pytest.mark.parametrize(("outcome", "part"), [("ok", "service"), ("fail", "fail"), ("unknown", "unknown")])
def test_what_was_meant_for_no_moment_has_its_service_time_alone(
    tmp_path: Path, hand: Hand, outcome: str, part: str
) -> None:
    writer = OperationsWriter(tmp_path, "w", clock(hand))
    operation(writer, outcome, intended_ns=None)
    writer.close()
    read = read_latencies(tmp_path)
    assert counted(read) == {f"produce.{part}": 1}
    assert read.histograms[f"produce.{part}"].get_max_value() == pytest.approx(30_000, rel=1e-3)
    (row,) = pq.read_table(tmp_path / "operations").to_pylist()
    assert row["intended_ns"] == row["started_ns"] == 20 * MS


def test_what_took_longer_than_an_hour_counts_as_the_longest(tmp_path: Path, hand: Hand) -> None:
    log = LatencyLog(tmp_path, "w", clock(hand))
    log.record("produce.response", 10**16, 2)
    log.close()
    histogram = read_latencies(tmp_path).histograms["produce.response"]
    assert histogram.get_total_count() == 2
    assert histogram.get_max_value() == pytest.approx(3.6e9, rel=1e-3)


def test_a_latency_that_the_library_would_drop_is_an_error(
    tmp_path: Path, hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(latency_log, "empty_histogram", lambda: HdrHistogram(1, 1000, 3))
    log = LatencyLog(tmp_path, "w", clock(hand))
    with pytest.raises(ValueError, match="a latency of 9,000,000 us cannot be counted"):
        log.record("produce.response", 9 * 10**9, 1)


latencies_us = st.lists(st.integers(0, 3_600_000_000), min_size=1, max_size=20)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15, deadline=None)
@given(first=latencies_us, second=latencies_us)
def test_workers_add_up_to_what_one_would_have_recorded(
    tmp_path: Path, first: list[int], second: list[int]
) -> None:
    for old in tmp_path.iterdir():
        old.unlink()
    alone = empty_histogram()
    for worker, values in (("a", first), ("b", second)):
        log = LatencyLog(tmp_path, worker, clock(Hand()))
        for value in values:
            log.record("produce.response", value * 1000, 1)
            alone.record_value(value)
        log.close()
    merged = read_latencies(tmp_path).histograms["produce.response"]
    assert list(merged.counts) == list(alone.counts)


def test_a_worker_that_starts_again_goes_on_behind_a_line_that_was_cut_off(
    tmp_path: Path, hand: Hand
) -> None:
    file = tmp_path / "latency-w.hlog"
    for _ in range(2):
        log = LatencyLog(tmp_path, "w", clock(hand))
        log.record("produce.wait", MS, 1)
        log.close()
        file.write_bytes(file.read_bytes() + b"Tag=produce.wait,1.0,1.0,1.0,HIST")
    read = read_latencies(tmp_path)
    assert counted(read) == {"produce.wait": 2}
    assert [problem.partition(":")[0] for problem in read.problems] == ["latency-w.hlog"] * 2


BOMB = HdrHistogram(1, 10**15, 5)
BOMB.record_value(10**15)


@pytest.mark.parametrize(
    "line",
    [
        "Tag=produce.wait,1,1,1,AAAA\n",
        f"Tag=produce.wait,1,1,1,{BOMB.encode().decode()}\n",
        "Tag=<script>,1,1,1,AAAA\n",
        "Tag=produce.wait,1,1,1," + "A" * 600_000 + "\n",
        "\xff\x00\n",
    ],
    ids=["no histogram", "another range", "another tag", "too long", "no text"],
)
def test_a_damaged_line_is_told_and_the_others_are_read(tmp_path: Path, hand: Hand, line: str) -> None:
    log = LatencyLog(tmp_path, "w", clock(hand))
    log.record("produce.wait", MS, 1)
    log.close()
    with (tmp_path / "latency-w.hlog").open("ab") as file:
        file.write(line.encode("latin-1"))
    read = read_latencies(tmp_path)
    assert counted(read) == {"produce.wait": 1}
    assert read.problems
    assert read.problems[0].startswith("latency-w.hlog: line 7: ")


def test_a_log_that_is_a_link_is_told(tmp_path: Path) -> None:
    (tmp_path / "latency-w.hlog").symlink_to("/etc/passwd")
    assert read_latencies(tmp_path).problems == ("latency-w.hlog: it is a symbolic link",)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(at=st.integers(0, 200), byte=st.binary(min_size=1, max_size=1))
def test_no_damage_crashes_the_reader(tmp_path: Path, at: int, byte: bytes) -> None:
    file = tmp_path / "latency-w.hlog"
    file.unlink(missing_ok=True)
    log = LatencyLog(tmp_path, "w", clock(Hand()))
    log.record("produce.wait", 12_345 * MS, 3)
    log.close()
    whole = file.read_bytes()
    place = len(whole) - 1 - at % len(whole)
    file.write_bytes(whole[:place] + byte + whole[place + 1 :])
    read = read_latencies(tmp_path)
    assert len(read.histograms) <= 1
