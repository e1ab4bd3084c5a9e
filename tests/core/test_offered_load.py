"""A platform that was offered less than was asked for shows nothing of its speed, and is not to blame."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.history.course import HotWriteLine
from harness.judge.judge import judge_history
from harness.judge.measure.finding import Finding, Verdict
from harness.judge.measure.offered import offered_load
from harness.judge.measure.protocol import DISTRIBUTION, SpeedCheck, UnderLoad
from harness.judge.registry import CHECKS
from harness.scenario.faults import FaultSpec
from harness.scenario.model import Expectation, Load, Scenario
from harness.scenario.profiles.constant import Constant
from pipeline.base.options import PipelineOptions
from tests.core.histories import (
    SECOND_NS,
    Rows,
    event,
    fault,
    history,
    phase,
    punctual,
    run_info,
    sample,
    scenario,
    sent,
)

TOPICS = PipelineOptions(deploy=())
COURSE = (
    phase(0, "warm_up"),
    phase(5, "steady"),
    phase(20, "fault"),
    phase(25, "recovery"),
    phase(60, "drain"),
)
FAULTS = (fault(20, "inject"), fault(25, "heal"))
PLAN = [event(n, n / 10) for n in range(600)]
SAMPLES = [
    sample(metric, s, value)
    for s in range(61)
    for metric, value in (("source_end_offset", s), ("stream_lag_events", 0), ("job_running", 1))
]


def ns(at_s: float) -> int:
    return round(at_s * SECOND_NS)


def load(start_s: Callable[[float], float], kind: str = "produce", took_s: float = 0.001) -> Rows:
    """Ten a second for a minute, each begun when ``start_s`` says, and answered a millisecond later."""
    return [
        sent(
            n,
            n,
            kind=kind,
            bytes=10,
            intended_ns=ns(n / 10),
            started_ns=ns(start_s(n / 10)),
            completed_ns=ns(start_s(n / 10) + took_s),
        )
        for n in range(600)
    ]


def punctually(due_s: float) -> float:
    return due_s


def stalled(due_s: float) -> float:
    """Nothing from 20 s to 50 s; what was due is sent three times as fast from then on."""
    return due_s if due_s < 20 else max(due_s, 50 + (due_s - 20) / 3)


STOOD_STILL = [
    *(punctual(n / 2) for n in range(40)),
    punctual(50, late_ms=30_000.0),
    *(punctual(n / 2) for n in range(101, 140)),
]
HELD_UP = [punctual(n / 2, **({"blocked_ms": 30_000.0} if n == 100 else {})) for n in range(140)]


TO_TOPICS = scenario(
    pipeline=TOPICS, faults=(FaultSpec(kind="kill", targets=("kafka-broker-1",), at=20.0, heal_after=5.0),)
)


def judged(check: str, limit: str, *, of: Scenario | None = None, **parts: object) -> Finding:
    given: dict[str, object] = {
        "phases": COURSE,
        "faults": FAULTS,
        "plan": PLAN,
        "operations": load(stalled),
        "generator": STOOD_STILL,
        "samples": SAMPLES,
        **parts,
    }
    spec = FaultSpec(kind="kill", targets=("kafka-broker-1",), at=20.0, heal_after=5.0)
    expect = (Expectation(check=check, thresholds=(limit,)),)
    base = of or scenario(faults=(spec,))
    run = history(of=base.model_copy(update={"expect": expect}), **given)  # type: ignore[arg-type]
    (finding,) = judge_history(run, run_id="r", checks={check: CHECKS[check]}).findings
    return finding


def reads(kind: str) -> Rows:
    return [*load(stalled), *load(punctually, kind=kind)]


def test_a_lag_that_was_worked_off_while_nothing_came_is_no_catching_up() -> None:
    finding = judged("catch_up_time", "max < 10s")
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.detail == (
        "the load offered 30.0% of what was due in fault,recovery within 2 s of its due time"
        " (worker-0 was up to 30,000 ms late through its own fault): a load other than the one requested"
        " shows nothing about the platform"
    )


@pytest.mark.parametrize(
    ("check", "limit", "parts"),
    [
        ("hot_read_latency", "p(95) < 1s", {"operations": reads("hot_read")}),
        ("hot_point_read_latency", "p(95) < 1s", {"operations": reads("hot_point_read")}),
        ("hot_range_read_latency", "max < 1s during fault,recovery", {"operations": reads("hot_range_read")}),
        ("recovery_time", "max < 60s", {"of": TO_TOPICS}),
        # It lasts into the recovery, whichever phase its value bears.
        ("recovery_time", "max < 60s during fault", {"of": TO_TOPICS}),
        ("throughput", "max < 1000/s", {}),
        ("produce_latency", "p(50) < 40s", {}),
        ("load_on_schedule", "p(50) < 40s", {}),
    ],
)
def test_no_limit_on_speed_is_kept_by_a_load_that_stood_still(
    check: str, limit: str, parts: Mapping[str, object]
) -> None:
    assert judged(check, limit, **parts).verdict is Verdict.INCONCLUSIVE
    punctual_load: dict[str, object] = {**parts, "generator": [punctual(n / 2) for n in range(140)]}
    if "operations" not in parts:
        punctual_load["operations"] = load(punctually)
    assert judged(check, limit, **punctual_load).verdict is Verdict.PASS


@pytest.mark.parametrize("limit", ["max < 60s", "max < 10s"])
def test_where_the_plan_is_gone_nobody_knows_what_was_due(limit: str) -> None:
    finding = judged("recovery_time", limit, of=TO_TOPICS, plan=None)
    assert finding.verdict is Verdict.INCONCLUSIVE


def test_a_limit_of_a_phase_in_which_all_was_offered_is_judged() -> None:
    finding = judged("hot_read_latency", "p(95) < 1s during steady", operations=reads("hot_read"))
    assert finding.verdict is Verdict.PASS


def test_a_rate_that_was_reached_all_the_same_is_reached() -> None:
    assert judged("throughput", "mean >= 5/s").verdict is Verdict.PASS


def test_what_is_slow_at_less_load_is_slow() -> None:
    slow = [*load(stalled), *load(punctually, kind="hot_read", took_s=3.0)]
    assert judged("hot_read_latency", "p(95) < 1s", operations=slow).verdict is Verdict.FAIL


def test_what_the_platform_held_up_is_its_own_doing() -> None:
    kept = judged("hot_read_latency", "p(95) < 1s", operations=reads("hot_read"), generator=HELD_UP)
    broken = judged("recovery_time", "max < 10s", of=scenario(pipeline=TOPICS), generator=HELD_UP)
    assert (kept.verdict, broken.verdict) == (Verdict.PASS, Verdict.FAIL)


def test_a_load_that_stood_still_is_no_recovery_that_took_long() -> None:
    finding = judged("recovery_time", "max < 10s", of=scenario(pipeline=TOPICS))
    assert (finding.verdict, finding.observed) == (Verdict.INCONCLUSIVE, 43.301)
    assert finding.detail.startswith("without the load's own lateness (30,000 ms of worker-0) it would be")


def test_a_recovery_that_took_long_without_the_loads_lateness_as_well_is_the_platforms() -> None:
    """A hiccup of three seconds, which is little of what was due, and half a minute without any answer."""
    slow = [
        {
            **row,
            "completed_ns": max(int(str(row["completed_ns"])), ns(50))
            if ns(20) <= int(str(row["intended_ns"])) < ns(50)
            else row["completed_ns"],
        }
        for row in load(punctually)
    ]
    hiccup = [punctual(n / 2, **({"late_ms": 3000.0} if n == 60 else {})) for n in range(140)]
    finding = judged(
        "recovery_time", "max < 10s", of=scenario(pipeline=TOPICS), operations=slow, generator=hiccup
    )
    assert (finding.verdict, finding.observed) == (Verdict.FAIL, 30.0)


@pytest.mark.parametrize(
    ("late_ms", "every", "verdict"),
    [
        (700, 1, Verdict.PASS),  # the loop of two cores beside ten engines
        (1900, 1, Verdict.PASS),
        (4000, 120, Verdict.PASS),  # two seconds of sixty
        (6000, 120, Verdict.INCONCLUSIVE),
        (2500, 4, Verdict.INCONCLUSIVE),  # half a second of every two
    ],
)
def test_lateness_that_is_short_or_rare_is_no_other_load(
    late_ms: float, every: int, verdict: Verdict
) -> None:
    generator = [
        punctual(n / 2, **({"late_ms": late_ms} if n % every == every // 2 else {})) for n in range(120)
    ]
    rows = [*load(punctually), *load(punctually, kind="hot_read")]
    finding = judged("hot_read_latency", "p(95) < 1s", operations=rows, generator=generator)
    assert finding.verdict is verdict


def test_each_worker_has_its_share() -> None:
    two = [*STOOD_STILL, *(punctual(n / 2, worker="worker-1") for n in range(140))]
    finding = judged("hot_read_latency", "p(95) < 1s", operations=reads("hot_read"), generator=two)
    assert finding.detail.startswith(
        "the load offered 76.7% of what was due within 2 s of its due time (worker-0"
    )


def test_a_worker_that_says_nothing_of_itself_may_have_stood_still() -> None:
    other = [*load(punctually, kind="hot_read"), sent(0, 9, worker="worker-1")]
    finding = judged("hot_read_latency", "p(95) < 1s", operations=other)
    assert (finding.verdict, finding.detail) == (
        Verdict.INCONCLUSIVE,
        "it is not recorded whether the load itself was on time: worker-1",
    )


def test_what_was_never_sent_was_not_offered() -> None:
    half = load(punctually)[:300]
    rows = [*half, *load(punctually, kind="hot_read")]
    calm = [punctual(n / 2) for n in range(140)]
    finding = judged("hot_read_latency", "p(95) < 1s", operations=rows, generator=calm)
    assert finding.detail.startswith(
        "the load offered 50.0% of what was due within 2 s of its due time (50.0% was never sent):"
    )
    early = judged("hot_read_latency", "p(95) < 1s during steady", operations=rows, generator=calm)
    assert early.verdict is Verdict.PASS


def of_batches(**profile: object) -> Scenario:
    paths: dict[str, Any] = {"trace": Path("trace.yaml"), "path": "record_batches", **profile}
    return scenario(pipeline=TOPICS, load=Load(event_span=3600.0, duration=60.0, **paths))


@pytest.mark.parametrize("profile", [{}, {"profile": Constant(kind="constant", rate=10.0)}])
def test_whole_batches_are_offered_by_the_curve_or_by_the_time_there_was(profile: dict[str, object]) -> None:
    finding = judged("recovery_time", "max < 60s", of=of_batches(**profile), plan=())
    assert finding.detail.startswith("the load offered 30.0% of what was due in fault,recovery within 2 s")


def test_a_flood_that_the_platform_slows_has_offered_all_that_it_could() -> None:
    busy = [punctual(n / 2, cpu_share=0.97, blocked_ms=8000.0) for n in range(140)]
    finding = judged(
        "recovery_time",
        "max < 60s",
        of=of_batches(),
        operations=load(punctually),
        generator=busy,
        plan=(),
    )
    assert finding.verdict is Verdict.PASS


LATE = [
    sent(n, n, intended_ns=ns(n / 5), started_ns=ns(n / 5 + 6), completed_ns=ns(n / 5 + 6.001))
    for n in range(300)
]


def test_a_platform_that_answers_a_late_load_at_once_is_steady_or_cannot_be_judged() -> None:
    """Six seconds late from the beginning to the end, each answer a millisecond later."""
    steady = judged(
        "steady_state",
        "count == 0",
        of=scenario(pipeline=TOPICS),
        phases=(phase(0, "warm_up"), phase(10, "steady"), phase(66, "drain")),
        faults=(),
        plan=[event(n, n / 5) for n in range(300)],
        operations=LATE,
        generator=[punctual(n / 2, late_ms=6000.0) for n in range(140)],
    )
    assert steady.verdict is Verdict.INCONCLUSIVE
    assert "worker-0 was up to 6,000 ms late through its own fault" in steady.detail


@pytest.mark.parametrize(
    ("took_s", "late_ms", "verdict"),
    [
        (5.5, 1000.0, Verdict.INCONCLUSIVE),
        (8.0, 1000.0, Verdict.FAIL),
        (4.5, 1000.0, Verdict.PASS),
        (8.0, 0.0, Verdict.FAIL),
    ],
)
def test_the_steady_state_is_broken_by_what_is_left_without_the_loads_lateness(
    took_s: float, late_ms: float, verdict: Verdict
) -> None:
    finding = judged(
        "steady_state",
        "count == 0",
        of=scenario(pipeline=TOPICS),
        faults=(),
        operations=load(punctually, took_s=took_s),
        generator=[punctual(n / 2, late_ms=late_ms) for n in range(140)],
    )
    assert finding.verdict is verdict


def test_the_steady_state_says_what_was_the_loads() -> None:
    finding = judged(
        "steady_state",
        "count == 0",
        of=scenario(pipeline=TOPICS),
        faults=(),
        operations=load(punctually, took_s=5.5),
        generator=[punctual(n / 2, late_ms=1000.0) for n in range(140)],
    )
    assert finding.detail == (
        "the load itself was late, and the platform cannot be blamed for it: sending 5.50 s behind, and"
        " 4.50 s without that"
    )


def test_a_steady_phase_is_judged_while_its_load_goes_on() -> None:
    """What is not due yet was not left out."""
    finding = judged(
        "steady_state",
        "count == 0",
        of=scenario(pipeline=TOPICS),
        phases=(phase(0, "warm_up"), phase(5, "steady")),
        faults=(),
        info=run_info(ended="no"),
        operations=load(punctually)[:200],
        generator=[punctual(n / 2) for n in range(40)],
        samples=[sample("x", s, 0) for s in range(21)],
    )
    assert finding.observed == 0


@pytest.mark.parametrize("check", ["generator_kept_up", "rate_accuracy"])
def test_what_the_load_did_is_never_the_platforms_failure(check: str) -> None:
    limit = "max < 1ms" if check == "generator_kept_up" else "max < 1%"
    finding = judged(check, limit)
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.detail == "the load itself missed this limit, not the platform"


WITHOUT_LOAD = {"pruning", "lake_duration", "lake_cpu", "lake_bytes"}
"""They measure days that are carried out when the load is over."""


def test_every_check_that_measures_under_load_says_how_it_depends_on_it() -> None:
    measuring = {name for name, check in CHECKS.items() if check.aggregates >= DISTRIBUTION - {"count"}}
    said = {name for name, check in CHECKS.items() if isinstance(check, SpeedCheck)}
    assert said == measuring - WITHOUT_LOAD


@given(
    st.lists(st.tuples(st.floats(0, 60), st.floats(0, 40_000)), max_size=30),
    st.sampled_from([(), ("steady",), ("fault", "recovery")]),
)
def test_the_more_a_load_is_late_the_less_it_has_offered(
    lateness: Sequence[tuple[float, float]], phases: tuple[str, ...]
) -> None:
    rows = [punctual(at_s, late_ms=late_ms) for at_s, late_ms in lateness]
    base = {"phases": COURSE, "plan": PLAN, "operations": load(punctually)}
    fewer, more = (
        offered_load(history(**base, generator=[punctual(0.0), *kept])).short(phases)  # type: ignore[arg-type]
        for kept in (rows[: len(rows) // 2], rows)
    )
    assert not fewer or more


def test_the_hot_writers_figures_need_the_load_as_well() -> None:
    epoch = run_info().epoch_unix_ns
    writes = [
        HotWriteLine(at_unix_ns=epoch + ns(s), duration_us=5000.0, rows=1, table="t") for s in range(70)
    ]
    finding = judged("hot_write_latency", "p(95) < 1s", hot_writes=writes)
    assert finding.verdict is Verdict.INCONCLUSIVE
    calm = judged(
        "hot_write_latency",
        "p(95) < 1s",
        hot_writes=writes,
        operations=load(punctually),
        generator=[punctual(n / 2) for n in range(140)],
    )
    assert calm.verdict is Verdict.PASS


def test_the_kinds_of_dependence_are_each_in_use() -> None:
    used = {check.under_load for check in CHECKS.values() if isinstance(check, SpeedCheck)}
    assert used == set(UnderLoad)
