"""What no limit may pass on: too few values, impossible ones, and what never came."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.judge.judge import judge_history
from harness.judge.measure.finding import Finding, Verdict
from harness.judge.measure.measurement import Distribution, least_count
from harness.judge.registry import CHECKS
from harness.scenario.model import Expectation
from pipeline.base.options import PipelineOptions
from tests.core.histories import (
    SECOND_NS,
    event,
    fault,
    found,
    history,
    phase,
    run_info,
    sample,
    scenario,
    sent,
)
from tests.core.lake_histories import task

READS = "hot_point_read_latency"


def read(at_s: float, took_ms: float) -> dict[str, object]:
    at_ns = round(at_s * SECOND_NS)
    took = {"intended_ns": at_ns, "started_ns": at_ns, "completed_ns": at_ns + round(took_ms * 1e6)}
    return sent(0, 0, kind="hot_point_read", worker="readers-0", bytes=10, **took)


def reads(took_ms: Sequence[float], *limits: str) -> list[Finding]:
    of = scenario(Expectation(check=READS, thresholds=limits))
    rows = [read(n / 10, ms) for n, ms in enumerate(took_ms)]
    return list(
        judge_history(history(of=of, operations=rows), run_id="r", checks={READS: CHECKS[READS]}).findings
    )


@pytest.mark.parametrize(
    ("limit", "count", "verdict"),
    [
        ("p(95) < 100ms", 20, Verdict.PASS),
        ("p(95) < 100ms", 19, Verdict.INCONCLUSIVE),
        ("p(99) < 100ms", 99, Verdict.INCONCLUSIVE),
        ("p(99.99) < 100ms", 2, Verdict.INCONCLUSIVE),
        ("p(5) >= 1ms", 19, Verdict.INCONCLUSIVE),
        ("p(50) < 100ms", 2, Verdict.PASS),
        ("p(100) < 100ms", 1, Verdict.PASS),
        ("max < 100ms", 1, Verdict.PASS),
        ("min >= 1ms", 1, Verdict.PASS),
        ("mean < 100ms", 1, Verdict.PASS),
    ],
)
def test_a_percentile_of_too_few_values_is_no_percentile(limit: str, count: int, verdict: Verdict) -> None:
    assert [finding.verdict for finding in reads([5.0] * count, limit)] == [verdict]


def test_how_many_values_a_percentile_needs_is_said() -> None:
    (finding,) = reads([5.0, 7.0], "p(99.99) < 100ms")
    assert (finding.observed, finding.detail) == (7.0, "p(99.99) needs 10,000 values but there are 2")


def test_a_limit_that_every_value_breaks_is_broken_however_few_they_are() -> None:
    few, mixed = reads([500.0, 700.0], "p(95) < 100ms"), reads([5.0, 700.0], "p(95) < 100ms")
    assert [finding.verdict for finding in (*few, *mixed)] == [Verdict.FAIL, Verdict.INCONCLUSIVE]


@given(st.floats(0, 100), st.integers(1, 2000))
def test_a_percentile_that_has_enough_values_leaves_some_beyond_it(percent: float, count: int) -> None:
    if count >= least_count(percent) and 50 <= percent < 100:
        assert math.ceil(count * percent / 100) <= count
        assert count * (100 - percent) / 100 >= 1 - 1e-9


@pytest.mark.parametrize("percent", [29.0, 57.0, 95.0, 99.9, 99.99])
@pytest.mark.parametrize("count", [100, 1000, 7000, 10_000])
def test_a_rank_is_that_of_the_decimal_as_written(percent: float, count: int) -> None:
    values = np.arange(1.0, count + 1)
    of = Distribution(values=values, weights=np.ones(count, dtype=np.int64), phases=np.full(count, "steady"))
    hundredths = round(percent * 100)
    assert of.percentile(percent) == -(-count * hundredths // 10_000)


def test_what_was_answered_before_it_was_asked_is_no_fast_answer() -> None:
    (finding,) = reads([-5000.0] * 50, "p(95) < 100ms")
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.detail == "clocks disagree: 50 of 50 values are below zero, down to -5,000 ms"


def test_one_answer_before_its_question_is_enough() -> None:
    (finding,) = reads([*[5.0] * 50, -0.001], "p(95) < 1ms")
    assert finding.verdict is Verdict.INCONCLUSIVE


def test_a_task_that_ended_before_it_began_took_no_time_that_could_be_judged() -> None:
    of = scenario(
        Expectation(check="lake_duration", thresholds=("max < 90s",)),
        pipeline=PipelineOptions(deploy=("stream", "lake")),
    )
    stepped = task("bronze", began_ns=100 * SECOND_NS, ended_ns=-3100 * SECOND_NS)
    run = history(of=of, lake_tasks=(stepped,))
    (finding,) = judge_history(run, run_id="r", checks={"lake_duration": CHECKS["lake_duration"]}).findings
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.detail == "clocks disagree: 1 of 1 values are below zero, down to -3,200 s"


def test_freshness_by_a_clock_that_is_behind_is_not_judged() -> None:
    of = scenario(Expectation(check="freshness_hot", thresholds=("max < 1s",)))
    seen = {"store": "hot_events", "key": "N1", "event_id": "e0", "event_time_ms": 300_000_000_000 + 60_000}
    looks = [sent(0, 0, kind="hot_read", completed_ns=s * SECOND_NS) for s in range(62)]
    run = history(
        of=of,
        plan=[event(0, 1)],
        operations=[
            sent(0, 0, intended_ns=SECOND_NS, started_ns=SECOND_NS, completed_ns=SECOND_NS + 1),
            *looks,
        ],
        seen=[{**seen, "at_ns": -2 * SECOND_NS, "window_kind": "", "window_start_ms": 0}],
    )
    (finding,) = judge_history(run, run_id="r", checks={"freshness_hot": CHECKS["freshness_hot"]}).findings
    assert (finding.verdict, finding.detail) == (
        Verdict.INCONCLUSIVE,
        "clocks disagree: 1 of 1 values are below zero, down to -3,000 ms",
    )


@pytest.mark.parametrize("limit", ["max != 5ms", "max > 1ms", "p(50) >= 1ms", "mean > 1ms"])
def test_what_never_came_keeps_no_limit(limit: str) -> None:
    of = scenario(Expectation(check="produce_latency", thresholds=(limit,)))
    run = history(of=of, operations=[sent(0, 9, "unknown")])
    (finding,) = judge_history(
        run, run_id="r", checks={"produce_latency": CHECKS["produce_latency"]}
    ).findings
    assert finding.verdict is Verdict.FAIL
    assert finding.detail.startswith("it never came")


def test_a_steady_state_by_clocks_that_disagree_is_none() -> None:
    before = [
        sent(n, n, intended_ns=n * SECOND_NS, started_ns=n * SECOND_NS, completed_ns=n * SECOND_NS - 1)
        for n in range(60)
    ]
    of = scenario(pipeline=PipelineOptions(deploy=()))
    run = history(of=of, operations=before, samples=[sample("x", s, 0) for s in range(61)])
    (finding,) = judge_history(run, run_id="r", checks={"steady_state": CHECKS["steady_state"]}).findings
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.detail == "clocks disagree about: sending"


@pytest.mark.parametrize(
    ("behind_s", "verdict"), [(2.0, Verdict.PASS), (28.0, Verdict.PASS), (31.0, Verdict.INCONCLUSIVE)]
)
def test_a_platform_far_behind_before_the_fault_has_no_band_to_come_back_to(
    behind_s: float, verdict: Verdict
) -> None:
    """The band reaches to 1.25 times of what it was behind, and a second more: 36 s at most, here."""
    of = scenario(
        Expectation(check="recovery_time", thresholds=("max < 60s",)),
        pipeline=PipelineOptions(deploy=()),
    )
    rows = [
        sent(
            s,
            s,
            intended_ns=s * SECOND_NS,
            started_ns=s * SECOND_NS,
            completed_ns=round((s + took) * SECOND_NS),
        )
        for s, took in ((s, behind_s if s == 10 else 0.1) for s in range(90))
    ]
    run = history(
        of=of,
        operations=rows,
        faults=(fault(60, "inject"), fault(65, "heal")),
        phases=(phase(0, "steady"), phase(60, "fault"), phase(65, "recovery"), phase(90, "drain")),
    )
    (finding,) = judge_history(run, run_id="r", checks={"recovery_time": CHECKS["recovery_time"]}).findings
    assert finding.verdict is verdict
    if verdict is Verdict.INCONCLUSIVE:
        assert finding.detail == "not steady before the first fault: sending (31.0 s behind)"


def cut_short(ended: str, check: str, *limits: str) -> Finding:
    """Four events, of which three were acknowledged, and two are there."""
    expect = [Expectation(check=check, thresholds=limits)] if limits else []
    of = scenario(*expect, pipeline=PipelineOptions(deploy=()))
    run = history(
        of=of,
        info=run_info(ended=ended),
        plan=[event(n, 0) for n in range(4)],
        operations=[sent(0, 2), sent(3, 3, "unknown")],
        readback_events=found("events", 0, 1),
    )
    return judge_history(run, run_id="r", checks={check: CHECKS[check]}).findings[-1]


LOAD_DIED = "load_failed: the load died before everything was sent: boom"


@pytest.mark.parametrize(
    ("ended", "check", "limits", "verdict"),
    [
        (LOAD_DIED, "acknowledged_lost", (), Verdict.FAIL),  # what was read back is all that there is
        ("failed: boom", "acknowledged_lost", (), Verdict.INCONCLUSIVE),
        ("interrupted", "acknowledged_lost", (), Verdict.INCONCLUSIVE),
        (LOAD_DIED, "unacknowledged", (), Verdict.INCONCLUSIVE),  # it might have been answered
        (LOAD_DIED, "duplicates", (), Verdict.INCONCLUSIVE),  # what is right so far
        (LOAD_DIED, "produce_latency", ("max < 100ms",), Verdict.FAIL),
        (LOAD_DIED, "produce_latency", ("p(50) < 100ms",), Verdict.INCONCLUSIVE),
    ],
)
def test_what_was_acknowledged_is_judged_though_the_load_died(
    ended: str, check: str, limits: tuple[str, ...], verdict: Verdict
) -> None:
    assert cut_short(ended, check, *limits).verdict is verdict
