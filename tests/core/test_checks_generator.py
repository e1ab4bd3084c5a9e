"""A slow client is never blamed on the platform, nor does a fast platform hide behind one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.judge.judge import judge_history
from harness.judge.measure.finding import Finding, Verdict
from harness.judge.registry import CHECKS
from harness.scenario.model import Expectation
from harness.scenario.thresholds import parse
from tests.core.histories import SECOND_NS, Rows, history, phase, punctual, scenario, sent

MS = 1_000_000
PHASES = (phase(0, "warm_up"), phase(10, "steady"), phase(60, "drain"))


def samples(late_ms: float, every: int = 1, span: range = range(120), **fields: object) -> Rows:
    """Two a second; each ``every``-th of the span is so late."""
    late = set(span[::every])
    return [punctual(n / 2, **({"late_ms": late_ms, **fields} if n in late else {})) for n in range(120)]


def judged(limit: str, took_ms: float, generator: Rows, check: str = "produce_latency") -> Finding:
    rows = [
        {**sent(0, 0), "intended_ns": s * SECOND_NS, "completed_ns": round(s * SECOND_NS + took_ms * MS)}
        for s in range(60)
    ]
    of = scenario(Expectation(check=check, thresholds=(limit,)))
    run = history(of=of, phases=PHASES, operations=rows, generator=generator)
    (finding,) = judge_history(run, run_id="r", checks={check: CHECKS[check]}).findings
    return finding


@pytest.mark.parametrize(
    ("took_ms", "late_ms", "verdict"),
    [
        (400, 11, Verdict.PASS),
        (900, 480, Verdict.PASS),  # what was late is part of the 900 ms
        (900, 1100, Verdict.INCONCLUSIVE),  # another load than the one asked for
        (1500, 11, Verdict.FAIL),
        (1500, 300, Verdict.FAIL),  # 1,200 ms at least are the platform's
        (1500, 501, Verdict.INCONCLUSIVE),
        (1020, 40, Verdict.INCONCLUSIVE),  # without those 40 ms the limit would have been kept
        (30_000, 480, Verdict.FAIL),
        (30_000, 4_000, Verdict.FAIL),
        (30_000, 29_001, Verdict.INCONCLUSIVE),
    ],
)
def test_a_limit_is_judged_only_where_the_generator_made_no_difference(
    took_ms: float, late_ms: float, verdict: Verdict
) -> None:
    assert judged("p(95) < 1s during steady", took_ms, samples(late_ms)).verdict is verdict


@pytest.mark.parametrize(
    ("limit", "verdict"),
    [
        ("p(90) < 1s during steady", Verdict.PASS),
        ("max < 1s during steady", Verdict.INCONCLUSIVE),
        ("p(98) < 1s during steady", Verdict.INCONCLUSIVE),
    ],
)
def test_a_limit_is_kept_in_spite_of_the_same_aggregate_of_the_generators_lateness(
    limit: str, verdict: Verdict
) -> None:
    assert judged(limit, 900, samples(1100, every=25)).verdict is verdict


@pytest.mark.parametrize(
    ("late_ms", "verdict"), [(39.5, Verdict.FAIL), (93.0, Verdict.FAIL), (93.1, Verdict.INCONCLUSIVE)]
)
def test_what_is_left_without_the_worst_own_lateness_decides(late_ms: float, verdict: Verdict) -> None:
    assert judged("p(95) < 50ms during steady", 143, samples(late_ms, every=100)).verdict is verdict


@given(
    st.floats(0, 5000),
    st.floats(0, 5000),
    st.sampled_from(["<", "<=", ">", ">=", "==", "!="]),
    st.integers(1, 5000),
)
def test_a_verdict_stands_only_if_no_lateness_could_have_turned_it(
    took_ms: float, late_ms: float, operator: str, limit_ms: int
) -> None:
    """Whatever part of the lateness was in what was observed; a limit from above is kept all the same."""
    finding = judged(f"max {operator} {limit_ms}ms", took_ms, samples(late_ms, every=50))
    observed = finding.observed or 0.0
    limit = parse(finding.limit, unit="ms")
    possible = [limit.holds(observed), limit.holds(observed - late_ms)]
    if operator in ("==", "!=") and observed - late_ms < limit_ms < observed:
        possible.append(limit.holds(float(limit_ms)))
    if finding.verdict is Verdict.FAIL:
        assert not any(possible)
    if finding.verdict is Verdict.PASS:
        assert all(possible) or (operator in ("<", "<=") and late_ms < limit_ms)


def test_lateness_in_another_phase_does_not_matter() -> None:
    early = samples(5000, span=range(14))
    assert judged("p(95) < 1s during steady", 1500, early).verdict is Verdict.FAIL
    assert judged("p(95) < 1s during warm_up", 1500, early).verdict is Verdict.INCONCLUSIVE


def test_a_process_that_stood_still_counts_for_as_long_as_it_did() -> None:
    stood = [row for n, row in enumerate(samples(9000, every=120, span=range(60, 120))) if not 42 <= n < 60]
    assert judged("p(90) < 1s during steady", 1500, stood).verdict is Verdict.INCONCLUSIVE


def test_the_sentence_names_the_worker_the_share_and_the_worst() -> None:
    generator = [*samples(1200), punctual(30, worker="worker-7", late_ms=2500.0)]
    assert judged("p(95) < 1s during steady", 900, generator).detail == (
        "the load itself was late, and the platform cannot be blamed for it: p(95) of its own lateness is"
        " 1,200 ms (100.0% of the time at or above it), at worst 2,500 ms of worker-7 in steady"
    )


def test_back_pressure_is_the_platforms_unless_the_process_had_no_processor_left() -> None:
    idle, busy = (samples(0, blocked_ms=2000.0, cpu_share=share) for share in (0.2, 0.95))
    assert judged("p(95) < 1s during steady", 2000, idle).verdict is Verdict.FAIL
    assert judged("p(95) < 1s during steady", 2000, busy).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("rows", [(), (punctual(3),)])
def test_where_the_load_says_nothing_of_itself_nothing_is_judged(rows: Sequence[Any]) -> None:
    finding = judged("p(95) < 1s during steady", 10, rows)
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.detail == "it is not recorded whether the load itself was on time in steady"


def test_samples_that_make_no_sense_cost_no_other_finding() -> None:
    finding = judged("p(95) < 1s during steady", 10, samples(float("inf")))
    assert finding.detail == "it is not recorded whether the load itself was on time in steady"


def test_a_run_without_the_table_is_not_judged() -> None:
    of = scenario(Expectation(check="produce_latency", thresholds=("max < 1s",)))
    run = history(of=of, operations=[sent(0, 9)], without="generator")
    checks = {"produce_latency": CHECKS["produce_latency"]}
    (finding,) = judge_history(run, run_id="r", checks=checks).findings
    assert finding.detail == "it is not recorded whether the load itself was on time"


def test_what_never_came_is_no_matter_of_lateness() -> None:
    of = scenario(Expectation(check="produce_latency", thresholds=("max < 1s",)))
    run = history(of=of, operations=[sent(0, 9, "unknown")], generator=samples(50))
    checks = {"produce_latency": CHECKS["produce_latency"]}
    (finding,) = judge_history(run, run_id="r", checks=checks).findings
    assert finding.verdict is Verdict.FAIL


def test_the_loads_lateness_is_no_part_of_the_hot_stores_own_latencies() -> None:
    of = scenario(Expectation(check="hot_read_latency", thresholds=("max < 1s",)))
    slow = sent(0, 0, kind="hot_read", completed_ns=1500 * MS)
    run = history(of=of, operations=[slow], generator=samples(1000))
    checks = {"hot_read_latency": CHECKS["hot_read_latency"]}
    assert judge_history(run, run_id="r", checks=checks).findings[0].verdict is Verdict.FAIL


def test_the_generators_own_lateness_can_be_held_to_a_limit() -> None:
    finding = judged("p(95) < 100ms during steady", 1, samples(120, every=10), check="generator_kept_up")
    assert (finding.verdict, finding.observed) == (Verdict.INCONCLUSIVE, 120)
    assert finding.detail == "the load itself missed this limit, not the platform"


def test_what_the_load_was_late_before_it_began_does_not_count() -> None:
    early = [{**punctual(), "at_ns": -SECOND_NS, "late_ms": 9000.0}, *samples(0)]
    assert judged("max < 1ms", 1, early, check="generator_kept_up").observed == 0


BUSY = {"cpu_share": 0.95}


@pytest.mark.parametrize(
    ("limit", "generator", "verdict"),
    [
        ("rate >= 2/s during steady", samples(11), Verdict.FAIL),
        ("rate >= 2/s", samples(11), Verdict.FAIL),
        ("rate >= 2/s during steady", samples(0, **BUSY), Verdict.INCONCLUSIVE),
        ("rate > 2/s", samples(0, **BUSY), Verdict.INCONCLUSIVE),
        ("rate >= 2/s during steady", samples(0, every=3, **BUSY), Verdict.FAIL),
        ("rate >= 2/s during steady", samples(0, span=range(20), **BUSY), Verdict.FAIL),
        ("rate >= 2/s during steady", samples(100), Verdict.INCONCLUSIVE),
        ("rate >= 2/s during steady", samples(9000, every=40), Verdict.FAIL),
        ("rate >= 2/s during steady", (), Verdict.INCONCLUSIVE),
        ("rate >= 1/s during steady", samples(100, **BUSY), Verdict.PASS),
        ("rate < 1/s during steady", samples(100, **BUSY), Verdict.FAIL),
    ],
)
def test_a_rate_that_was_missed_is_the_platforms_only_where_the_generator_had_more_to_give(
    limit: str, generator: Rows, verdict: Verdict
) -> None:
    assert judged(limit, 1, generator, "throughput").verdict is verdict


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        (BUSY, "used a whole processor for 100% of the time"),
        ({"late_ms": 250.0}, "was late through its own fault for 50% of the time"),
    ],
)
def test_one_process_that_was_the_bottleneck_is_enough_and_is_named(
    fields: dict[str, object], what: str
) -> None:
    generator = [*samples(0), *(punctual(n / 2, worker="worker-7", **fields) for n in range(120))]
    finding = judged("rate >= 2/s during steady", 1, generator, "throughput")
    assert finding.detail == (
        f"worker-7 of the load {what} in steady: the platform cannot be blamed for what it was not offered"
    )
