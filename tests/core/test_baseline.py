"""Limits that are multiples of what another run measured."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from harness.judge.baseline import Baseline
from harness.judge.judge import judge_history
from harness.judge.judgement import Judgement
from harness.judge.measure.finding import Verdict
from harness.judge.registry import CHECKS
from harness.scenario.model import Expectation
from tests.core.histories import Rows, history, phase, run_info, scenario, sent

PHASES = (phase(0, "warm_up"), phase(5, "steady"), phase(60, "drain"), phase(70, "done"))
CHECKED = {"lake_duration": CHECKS["lake_duration"]}


def tasks(*lasted_s: float) -> Rows:
    """Tasks of the lake, one that began each second of the steady phase."""
    return [
        {"outcome": "promoted", "began_ns": (6 + n) * 10**9, "ended_ns": round((6 + n + s) * 1e9)}
        for n, s in enumerate(lasted_s)
    ]


def judged(limit: str, *lasted_s: float, baseline: Baseline | None = None) -> Judgement:
    of = scenario(Expectation(check="lake_duration", thresholds=(limit,)))
    run = history(of=of, phases=PHASES, lake_tasks=tasks(*lasted_s))
    return judge_history(run, run_id="r", checks=CHECKED, baseline=baseline)


def baseline(*lasted_s: float, ended: str = "complete") -> Baseline:
    run = history(phases=PHASES, lake_tasks=tasks(*lasted_s), info=run_info(ended=ended))
    return Baseline.of(judge_history(run, run_id="before", checks=CHECKED))


@pytest.mark.parametrize(
    ("limit", "verdict", "detail"),
    [
        ("max < 1.1 * baseline", Verdict.PASS, "the limit is 4.4 s, by run before"),
        ("max < 1.05 * baseline", Verdict.FAIL, "the limit is 4.2 s, by run before"),
        ("max < 1.1 * baseline during steady", Verdict.PASS, "the limit is 4.4 s, by run before"),
        ("p(50) <= 1 * baseline", Verdict.FAIL, "the limit is 2 s, by run before"),
        ("mean < 2 * baseline", Verdict.PASS, "the limit is 6 s, by run before"),
        ("min >= 0.5 * baseline", Verdict.PASS, "the limit is 1 s, by run before"),
        ("count == 1 * baseline", Verdict.PASS, "the limit is 2, by run before"),
    ],
)
def test_a_multiple_of_a_baseline_is_held_in_figures(limit: str, verdict: Verdict, detail: str) -> None:
    (finding,) = judged(limit, 4.3, 4.25, baseline=baseline(2.0, 4.0)).findings
    assert (finding.verdict, finding.limit, finding.detail) == (verdict, limit, detail)


def test_without_a_baseline_nothing_is_said() -> None:
    (finding,) = judged("max < 1.1 * baseline during steady", 4.3).findings
    assert (finding.verdict, finding.phase) == (Verdict.INCONCLUSIVE, "steady")
    assert finding.detail == "there is no baseline to compare with"


@pytest.mark.parametrize(
    ("limit", "of", "detail"),
    [
        ("max < 2 * baseline", {}, "run before has no max of lake_duration in whole run"),
        ("max < 2 * baseline during lake", {"s": (1.0,)}, "run before has no max of lake_duration in lake"),
        (
            "max < 2 * baseline during steady,lake",
            {"s": (1.0,)},
            "run before has no max of lake_duration in steady,lake",
        ),
        ("p(90) < 2 * baseline", {"s": (1.0,)}, "run before has no p(90) of lake_duration in whole run"),
        (
            "p(99) < 2 * baseline",
            {"s": (1.0, 2.0)},
            "run before has 2 values for p(99) of lake_duration in whole run, which needs 100",
        ),
        (
            "max < 2 * baseline",
            {"s": (0.0,)},
            "run before has 0 s as max of lake_duration in whole run, which cannot serve as a baseline",
        ),
        ("max < 1e308 * baseline", {"s": (10.0,)}, "the limit would be inf; it must be finite and above 0"),
        ("max < 2 * baseline", {"s": (1.0,), "ended": "no"}, "run before did not complete"),
    ],
)
def test_what_a_baseline_does_not_have_is_inconclusive(
    limit: str, of: Mapping[str, object], detail: str
) -> None:
    lasted_s, ended = of.get("s", ()), str(of.get("ended", "complete"))
    before = baseline(*lasted_s, ended=ended)  # type: ignore[misc]
    (finding,) = judged(limit, 1.0, baseline=before).findings
    assert (finding.verdict, finding.detail) == (
        Verdict.INCONCLUSIVE,
        f"nothing to compare with: {detail}",
    )


def test_a_baseline_serves_limits_of_figures_too() -> None:
    (finding,) = judged("max < 5s", 4.3, baseline=baseline(1.0)).findings
    assert (finding.verdict, finding.detail) == (Verdict.PASS, "")


def test_what_was_measured_is_kept_with_its_mean_for_others_to_compare_with() -> None:
    whole, steady = judged("max < 5s", 1.0, 4.0).measured
    assert (whole.phase, whole.mean, whole.min, whole.max) == ("whole run", 2.5, 1.0, 4.0)
    assert (steady.phase, steady.mean) == ("steady", 2.5)


def test_throughput_can_be_held_to_a_share_of_a_baseline() -> None:
    rows = [sent(n, n) for n in range(10)]
    of = scenario(Expectation(check="throughput", thresholds=("rate >= 0.9 * baseline",)))
    run = history(of=of, phases=PHASES, operations=rows)
    checks = {"throughput": CHECKS["throughput"]}
    first = judge_history(run, run_id="first", checks=checks)
    again = judge_history(run, run_id="r", checks=checks, baseline=Baseline.of(first))
    assert "by run first" in again.findings[0].detail
