"""Checks of how long things took, and in which phase."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.checks import CHECKS
from harness.checks.finding import Finding, Verdict
from harness.checks.measurement import Distribution
from harness.history.course import HotWriteLine
from harness.judge import judge_history
from harness.scenario.model import Expectation
from tests.core.histories import (
    ORIGIN_MS,
    SECOND_NS,
    closing,
    event,
    history,
    phase,
    run_info,
    sample,
    scenario,
    sent,
)

MS = 10**6


def judged(name: str, *thresholds: str, **tables: Any) -> list[Finding]:
    of = scenario(Expectation(check=name, thresholds=thresholds)) if thresholds else None
    run = history(of=of, **tables)
    return list(judge_history(run, run_id="r", checks={name: CHECKS[name]}).findings)


def measured(name: str, **tables: Any) -> Distribution:
    measurement = CHECKS[name].measure(history(**tables))
    assert isinstance(measurement, Distribution), measurement
    return measurement


def listed(distribution: Distribution) -> list[tuple[float, str, int]]:
    columns = (distribution.values.tolist(), distribution.phases.tolist(), distribution.weights.tolist())
    return sorted(zip(*columns, strict=True))


def took(ms: int, count: int = 1, at_s: int = 0, **fields: object) -> dict[str, object]:
    """A batch that was due at ``at_s``, begun 1 ms later, and answered ``ms`` after it was due."""
    due = at_s * SECOND_NS
    times = {"intended_ns": due, "started_ns": due + MS, "completed_ns": due + ms * MS}
    return sent(0, count - 1, **{**times, **fields})  # type: ignore[arg-type]


def test_a_latency_finding_says_everything() -> None:
    assert judged("produce_latency", "p(50) <= 5ms during steady", operations=[took(5, 99), took(7)]) == [
        Finding(
            name="produce_latency",
            verdict=Verdict.PASS,
            observed=5.0,
            limit="p(50) <= 5ms during steady",
            unit="ms",
            phase="steady",
            evidence="measured: process backend, kafka 1, 100 events",
        )
    ]


@pytest.mark.parametrize(
    ("limit", "verdict"),
    [
        ("p(99) < 6ms", Verdict.PASS),
        ("p(99.1) < 6ms", Verdict.FAIL),
        ("max <= 7ms", Verdict.PASS),
        ("max < 7ms", Verdict.FAIL),
        ("mean <= 5.02ms", Verdict.PASS),
        ("min >= 5ms", Verdict.PASS),
        ("max < 7ms during fault", Verdict.INCONCLUSIVE),
        ("p(99) < 1.1 * baseline", Verdict.INCONCLUSIVE),
    ],
)
def test_a_limit_is_held_against_its_aggregate(limit: str, verdict: Verdict) -> None:
    (finding,) = judged("produce_latency", limit, operations=[took(5, 99), took(7)])
    assert finding.verdict is verdict


def test_a_value_belongs_to_the_phase_in_which_it_began() -> None:
    operations = [took(5), took(70_000, at_s=59), took(6, at_s=60)]
    assert listed(measured("produce_latency", operations=operations)) == [
        (5.0, "steady", 1),
        (6.0, "drain", 1),
        (70_000.0, "steady", 1),
    ]


def test_what_began_before_the_first_phase_was_noted_belongs_to_it() -> None:
    of = {"phases": (phase(0.2, "warm_up"), phase(1, "steady")), "operations": [took(5)]}
    assert listed(measured("produce_latency", **of)) == [(5.0, "warm_up", 1)]


@pytest.mark.parametrize("outcome", ["fail", "unknown"])
def test_what_was_not_acknowledged_is_slower_than_any_limit(outcome: str) -> None:
    operations = [took(5, 98), took(1, 2, outcome=outcome)]
    failing, passing = judged("produce_latency", "p(99) < 60m", "p(98) < 6ms", operations=operations)
    assert (failing.verdict, failing.observed) == (Verdict.FAIL, math.inf)
    assert (
        failing.detail
        == "it never came; 2 events were not acknowledged; each counts as slower than any limit"
    )
    assert passing.verdict is Verdict.PASS


def test_reads_and_sends_are_measured_apart() -> None:
    operations = [took(5), took(9, kind="hot_read")]
    assert listed(measured("hot_read_latency", operations=operations)) == [(9.0, "steady", 1)]


def test_the_schedule_is_judged_by_when_sending_began() -> None:
    assert listed(measured("load_on_schedule", operations=[took(5, 3)])) == [(1.0, "steady", 3)]


def test_throughput_counts_seconds_in_which_nothing_came() -> None:
    operations = [took(1, 10), took(1, 20, at_s=2), took(1, 5, at_s=3)]
    assert measured("throughput", operations=operations).values.tolist() == [10.0, 0.0, 20.0]


def test_hot_writes_lie_on_the_clock_of_the_run() -> None:
    at = run_info().epoch_unix_ns + 61 * SECOND_NS
    lines = [HotWriteLine(at_unix_ns=at, duration_us=1500.0, rows=10, table="recent_events")]
    assert listed(measured("hot_write_latency", hot_writes=lines)) == [(1.5, "drain", 1)]


def seen(at_s: float, **fields: object) -> dict[str, object]:
    row = {"at_ns": round(at_s * SECOND_NS), "store": "hot_events", "key": "N1", "event_id": "e0"}
    return {**row, "event_time_ms": ORIGIN_MS + 60_000, "window_kind": "", "window_start_ms": 0, **fields}


def test_freshness_counts_from_the_first_intended_send_to_the_first_sight() -> None:
    # The event clock runs 60 times faster: minute 1 is due at second 1.
    plan = [event(0, 1), event(1, 3, kind="duplicate", event_offset_ms=60_000, event_id="e0")]
    assert listed(measured("freshness_hot", plan=plan, seen=[seen(4), seen(2)])) == [(1000.0, "steady", 1)]


def test_a_window_could_be_complete_when_an_event_past_its_end_was_due() -> None:
    # The event of minute 6 comes late, at minute 8; that of minute 7 is the first past the end.
    plan = [event(0, 1), event(1, 4.9), event(2, 7), event(3, 8, event_offset_ms=360_000), closing(4)]
    window = {"store": "hot_windows", "event_id": "", "window_kind": "tumbling"}
    rows = [seen(9, **window, event_time_ms=ORIGIN_MS + 300_000, window_start_ms=ORIGIN_MS)]
    assert listed(measured("freshness_windows", plan=plan, seen=rows)) == [(2000.0, "steady", 1)]


TABLES = {
    "produce_latency": "operations",
    "hot_read_latency": "operations",
    "load_on_schedule": "operations",
    "throughput": "operations",
    "hot_write_latency": "hot_writes",
    "freshness_hot": "seen",
    "freshness_windows": "seen",
    "drained": "samples",
    "steady_state": "samples",
    "recovery_time": "samples",
}


@pytest.mark.parametrize("name", TABLES)
def test_without_its_table_a_check_is_inconclusive(name: str) -> None:
    table = TABLES[name]
    limit = {"ms": ("max < 1ms",), "s": ("max < 1s",), "1/s": ("max < 1/s",), "": ()}[CHECKS[name].unit]
    (finding,) = judged(name, *limit, without=table)
    assert (finding.verdict, finding.detail) == (Verdict.INCONCLUSIVE, f"the history lacks {table}")


@pytest.mark.parametrize("name", TABLES)
def test_an_empty_table_is_never_a_pass(name: str) -> None:
    limit = {"ms": ("max < 1ms",), "s": ("max < 1s",), "1/s": ("max < 1/s",), "": ()}[CHECKS[name].unit]
    (finding,) = judged(name, *limit, hot_writes=[])
    assert finding.verdict is Verdict.INCONCLUSIVE


def left(at_s: float = 61, **topics: float) -> list[dict[str, object]]:
    return [sample("undrained_events", at_s, events, label=topic) for topic, events in topics.items()]


def waited(complete: bool, last_seen: str = "") -> dict[str, object]:
    return sample("drain_complete", 61, float(complete), label=last_seen)


def test_a_drained_platform_passes() -> None:
    (finding,) = judged("drained", samples=[*left(events=0, events_valid=0), waited(True)])
    assert (finding.verdict, finding.observed) == (Verdict.PASS, 0)


@pytest.mark.parametrize("topics", [{}, {"events": 0}])
def test_a_wait_that_ran_out_fails_though_nothing_was_left_that_lags(topics: dict[str, float]) -> None:
    samples = [
        *left(**topics),
        waited(False, "open transactions on windows-0"),
        sample("hot_lag_events", 9, 0),
    ]
    (finding,) = judged("drained", samples=samples)
    assert (finding.verdict, finding.observed) == (Verdict.FAIL, 1)
    assert finding.detail.startswith("the pipeline did not drain in time: open transactions on windows-0")


def test_a_wait_of_which_it_is_not_told_how_it_ended_is_not_judged() -> None:
    (finding,) = judged("drained", samples=left(events=0))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.detail == "it is not recorded whether the pipeline had drained in time"


def test_what_was_left_unconsumed_is_counted() -> None:
    (finding,) = judged("drained", samples=left(events=2, events_valid=3))
    assert (finding.verdict, finding.observed) == (Verdict.FAIL, 5)
    assert finding.detail == "events 2; events_valid 3"


def test_a_topic_of_which_it_is_not_told_what_was_left_is_not_judged() -> None:
    lag = sample("hot_lag_events", 61, 0, "events_valid")
    (finding,) = judged("drained", samples=[*left(events=0), waited(True), lag])
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.detail == "it is not recorded what was left of events_valid"


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(1, 5)), min_size=1),
    st.floats(0, 100),
)
def test_a_percentile_is_the_smallest_value_that_covers_its_share(
    values: list[tuple[int, int]], percent: float
) -> None:
    numbers, weights = (np.array(column) for column in zip(*values, strict=True))
    distribution = Distribution(
        values=numbers.astype(float), weights=weights, phases=np.array(["steady"] * len(values))
    )
    expanded = sorted(value for value, weight in values for _ in range(weight))
    rank = max(1, math.ceil(len(expanded) * percent / 100))
    assert distribution.percentile(percent) == expanded[rank - 1]
