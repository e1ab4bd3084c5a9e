"""Steady state before the faults, and the time from a fault until it is back."""

from __future__ import annotations

from typing import Any

import pytest

from harness.history.course import EndLine, FaultLine
from harness.judge.checks.recovery.recovery_time import RecoveryTime
from harness.judge.judge import judge_history
from harness.judge.measure.finding import Verdict
from harness.judge.measure.measurement import Count, Distribution, Unjudged
from harness.judge.measure.protocol import Check
from harness.judge.measure.stream_signals import stream_delay
from harness.judge.registry import CHECKS
from harness.layers.registry import steady_signals
from harness.scenario.faults import FaultSpec
from harness.scenario.model import Expectation
from tests.core.histories import (
    ORIGIN_MS,
    SECOND_NS,
    event,
    fault,
    history,
    phase,
    run_info,
    sample,
    scenario,
    sent,
)

SCHEDULE = FaultSpec(kind="kill", targets=("kafka-broker-1",), at=20.0, heal_after=10.0)
KILLED = (fault(20, "inject"), fault(30, "heal"))
PHASES = (
    phase(0, "warm_up"),
    phase(5, "steady"),
    phase(20, "fault"),
    phase(30, "recovery"),
    phase(60, "drain"),
)
RATE = 100
"""Events a second, one batch a second, a minute long."""


WITHOUT_HOT_STORE = RecoveryTime(steady_signals)
"""Recovery as sending and the stream job show it; that of the hot store is seen in what is ``probed``."""


def run(
    slow: dict[int, float] | None = None,
    lagging: dict[int, float] | None = None,
    stopped: range = range(0),
    blind: range = range(0),
    faults: tuple[FaultLine, ...] = KILLED,
    **fields: Any,
) -> Any:
    """A run whose batches take 10 ms and whose job is a second behind, but for the seconds that are named.

    In ``blind`` no sample is taken.
    """
    slow, lagging = slow or {}, lagging or {}
    operations = [batch(at_s, slow.get(at_s, 0.01)) for at_s in range(60)]
    samples = [
        row
        for at_s in range(70)
        if at_s not in blind
        for row in (
            sample("source_end_offset", at_s, RATE * min(at_s, 60)),
            sample("stream_lag_events", at_s, RATE * min(lagging.get(at_s, 1.0), at_s)),
            sample("job_running", at_s, 0 if at_s in stopped else 1),
        )
    ]
    tables = {"operations": operations, "samples": samples, "phases": PHASES, "faults": faults}
    return history(**{"of": scenario(faults=(SCHEDULE,)), **tables, **fields})


def batch(at_s: int, took_s: float) -> dict[str, object]:
    due = at_s * SECOND_NS
    done = due + round(took_s * SECOND_NS)
    return sent(at_s * RATE, at_s * RATE + RATE - 1, intended_ns=due, started_ns=due, completed_ns=done)


def recovered_s(of: Any, check: Check = WITHOUT_HOT_STORE) -> list[float]:
    measurement = check.measure(of)
    assert isinstance(measurement, Distribution), measurement
    return [round(value, 2) for value in measurement.values.tolist()]


def test_a_platform_that_was_never_disturbed_recovered_at_once() -> None:
    assert recovered_s(run()) == [0.0]


def test_recovery_ends_when_the_last_slow_answer_came() -> None:
    assert recovered_s(run(slow={21: 5.0, 22: 4.0, 23: 3.0})) == [6.0]


def test_recovery_ends_when_the_stream_job_has_caught_up() -> None:
    assert recovered_s(run(lagging={at_s: at_s - 20 for at_s in range(23, 33)})) == [13.0]


def caught_up_s(of: Any) -> list[float]:
    measurement = CHECKS["catch_up_time"].measure(of)
    assert isinstance(measurement, Distribution), measurement
    return [round(value, 2) for value in measurement.values.tolist()]


def test_catching_up_counts_from_the_heal_to_when_the_stream_job_is_back() -> None:
    assert caught_up_s(run(lagging={at_s: at_s - 20 for at_s in range(23, 47)})) == [17.0]


def test_a_stream_job_that_is_back_before_the_heal_has_caught_up_at_once() -> None:
    assert caught_up_s(run(lagging={at_s: at_s - 20 for at_s in range(23, 28)})) == [0.0]


def test_slow_sends_are_no_lag_of_the_stream_job() -> None:
    assert caught_up_s(run(slow={31: 5.0})) == [0.0]


def test_a_stream_job_that_stays_behind_never_catches_up() -> None:
    assert caught_up_s(run(lagging={at_s: at_s - 20 for at_s in range(23, 70)})) == [float("inf")]


def test_nothing_catches_up_with_a_fault_that_was_not_healed() -> None:
    measurement = CHECKS["catch_up_time"].measure(run(faults=KILLED[:1]))
    assert isinstance(measurement, Unjudged)
    assert measurement.reason.startswith("never healed: ")


def test_a_stopped_job_is_a_disturbance() -> None:
    assert recovered_s(run(stopped=range(21, 26))) == [6.0]


def test_a_return_before_the_heal_is_part_of_the_fault() -> None:
    assert recovered_s(run(slow={21: 2.0, 29: 2.0})) == [11.0]


def test_a_disturbance_by_the_heal_is_part_of_the_fault() -> None:
    assert recovered_s(run(slow={21: 2.0, 34: 2.0})) == [16.0]


def test_a_disturbance_long_after_recovery_is_not_the_faults() -> None:
    assert recovered_s(run(slow={21: 2.0, 50: 2.0})) == [3.0]


def test_disturbances_that_follow_each_other_are_one() -> None:
    assert recovered_s(run(slow={33: 2.0, 38: 2.0, 43: 2.0})) == [25.0]


def test_a_fault_before_the_next_ends_with_it() -> None:
    second = (fault(40, "inject", 1), fault(45, "heal", 1))
    assert recovered_s(run(slow={21: 2.0, 41: 2.0}, faults=(*KILLED, *second))) == [3.0, 3.0]


def test_a_platform_that_stays_behind_never_recovers() -> None:
    lagging = {at_s: at_s - 20 for at_s in range(23, 70)}
    assert recovered_s(run(lagging=lagging)) == [float("inf")]


def test_a_run_that_ended_before_recovery_is_not_judged() -> None:
    lagging = {at_s: at_s - 20 for at_s in range(23, 70)}
    of = run(lagging=lagging, info=run_info(ended="interrupted"))
    assert isinstance(WITHOUT_HOT_STORE.measure(of), Unjudged)


OUTAGE = {at_s: at_s - 20.0 for at_s in range(22, 55)}


def test_an_outage_into_which_the_sampler_was_blind_is_no_shorter_for_it() -> None:
    sampled = recovered_s(run(lagging=OUTAGE))
    assert sampled == [35.0]
    assert recovered_s(run(lagging=OUTAGE, blind=range(21, 55))) == sampled


def test_recovery_cannot_be_seen_where_nothing_was_sampled() -> None:
    assert recovered_s(run(blind=range(22, 28))) == [8.0]


def test_a_read_that_timed_out_is_no_gap() -> None:
    assert recovered_s(run(blind=range(22, 24))) == [0.0]


@pytest.mark.parametrize("faults", [KILLED, KILLED[:1]])
@pytest.mark.parametrize("lagging", [{}, OUTAGE])
def test_samples_that_stop_before_recovery_could_be_told_judge_nothing(
    lagging: dict[int, float], faults: tuple[FaultLine, ...]
) -> None:
    measurement = WITHOUT_HOT_STORE.measure(run(lagging=lagging, blind=range(21, 70), faults=faults))
    assert isinstance(measurement, Unjudged)
    assert "samples stop" in measurement.reason


def test_samples_may_stop_once_the_platform_has_drained() -> None:
    healed_late = (fault(20, "inject"), fault(60, "heal"))
    samples = run(blind=range(61, 70)).query("FROM samples").to_pylist()

    def drained(at_s: float) -> Any:
        return run(samples=[*samples, sample("drain_complete", at_s, 1)], faults=healed_late)

    assert recovered_s(drained(at_s=61)) == [0.0]
    assert isinstance(WITHOUT_HOT_STORE.measure(drained(at_s=67)), Unjudged)


def test_a_platform_that_was_down_in_its_steady_phase_has_no_band_to_return_to() -> None:
    measurement = WITHOUT_HOT_STORE.measure(run(stopped=range(10, 50)))
    assert isinstance(measurement, Unjudged)
    assert measurement.reason == "not steady before the first fault: stream job running"


def test_what_the_fault_lost_does_not_widen_the_band_of_the_steady_phase() -> None:
    batches = [batch(at_s, 8.0 if at_s == 30 else 0.01) for at_s in range(60)]
    batches[19] |= {"outcome": "unknown", "completed_ns": 25 * SECOND_NS}
    assert recovered_s(run(operations=batches)) == [18.0]


def test_recovery_says_which_fault_took_how_long() -> None:
    measurement = WITHOUT_HOT_STORE.measure(run(slow={21: 2.0}))
    assert isinstance(measurement, Distribution)
    assert (measurement.examples, measurement.phases.tolist()) == (("kill kafka-broker-1: 3.0 s",), ["fault"])


def probed(until_s: int = 70, never_seen: range = range(0), **fields: Any) -> Any:
    """A run whose hot store shows an event a second after it was sent, and is looked at twice a second."""
    plan = [event(at_s, at_s) for at_s in range(60)]
    looks = [
        sent(-1, -1, kind="hot_read", count=1, completed_ns=at_s * SECOND_NS // 2)
        for at_s in range(until_s * 2)
    ]
    names = [
        {"store": "hot_events", "event_id": f"e{s}", "event_time_ms": ORIGIN_MS + s * 60_000}
        for s in range(60)
    ]
    came = [
        {**name, "at_ns": (at_s + 1) * SECOND_NS}
        for at_s, name in enumerate(names)
        if at_s not in never_seen and at_s + 1 < until_s
    ]
    operations = [batch(at_s, 0.01) | {"first_seq": at_s, "last_seq": at_s, "count": 1} for at_s in range(60)]
    tables = {"plan": plan, "operations": [*operations, *looks], "seen": came, "sought": names}
    kept = {"phases": (*PHASES, phase(70, "done"))}
    return run(**{**tables, **kept, **fields})


def test_a_hot_store_that_keeps_up_was_not_disturbed() -> None:
    assert recovered_s(probed(), CHECKS["recovery_time"]) == [0.0]


def test_a_platform_whose_events_never_come_does_not_recover() -> None:
    assert recovered_s(probed(never_seen=range(25, 60)), CHECKS["recovery_time"]) == [float("inf")]


def test_an_event_of_the_steady_phase_that_never_came_does_not_widen_its_band() -> None:
    assert recovered_s(probed(never_seen=range(19, 20)), CHECKS["recovery_time"]) == [float("inf")]


@pytest.mark.parametrize("until_s", [0, 15, 30])
def test_recovery_is_not_judged_when_the_prober_died(until_s: int) -> None:
    measurement = CHECKS["recovery_time"].measure(probed(until_s=until_s))
    assert isinstance(measurement, Unjudged)


@pytest.mark.parametrize(
    "fields", [{"faults": ()}, {"phases": PHASES[:1]}, {"samples": ()}, {"phases": PHASES[2:]}]
)
def test_recovery_needs_a_fault_and_a_steady_phase_before_it(fields: dict[str, Any]) -> None:
    assert isinstance(WITHOUT_HOT_STORE.measure(run(**fields)), Unjudged)


def test_a_job_that_has_committed_everything_is_not_behind() -> None:
    samples = [
        row for at_s, end in ((0, 0), (1, 100), (2, 100), (4, 100)) for row in committed(at_s, end, lag=0)
    ]
    assert stream_delay(history(samples=samples)).delay_s.tolist() == [0.0, 0.0, 0.0, 0.0]


def test_a_job_is_as_far_behind_as_its_oldest_event_is_old() -> None:
    samples = [*committed(0, 0, lag=0), *committed(1, 100, lag=100), *committed(2, 200, lag=150)]
    assert stream_delay(history(samples=samples)).delay_s.tolist() == [0.0, 1.0, 1.5]


def committed(at_s: float, end: float, lag: float) -> list[dict[str, object]]:
    return [sample("source_end_offset", at_s, end), sample("stream_lag_events", at_s, lag)]


def test_a_steady_platform_breaks_no_condition() -> None:
    assert CHECKS["steady_state"].measure(run()) == Count(
        value=0,
        detail="sending at most 0.01 s behind; stream job at most 1.00 s behind;"
        " stream job running at most 0.00 s behind",
    )


@pytest.mark.parametrize(
    ("fields", "broken"),
    [
        ({"slow": {10: 6.0}}, "sending: 6.00 s behind, allowed 5 s"),
        ({"lagging": {18: 12.0}}, "stream job: 12.00 s behind, allowed 11 s"),
        ({"stopped": range(10, 11)}, "stream job running: inf s behind, allowed 0 s"),
    ],
)
def test_a_broken_condition_is_named(fields: dict[str, Any], broken: str) -> None:
    measurement = CHECKS["steady_state"].measure(run(**fields))
    assert isinstance(measurement, Count)
    assert (measurement.value, measurement.examples) == (1, (broken,))


@pytest.mark.parametrize("fields", [{"slow": {4: 6.0, 25: 6.0}}, {"stopped": range(21, 26)}])
def test_what_happens_outside_the_steady_phase_does_not_count(fields: dict[str, Any]) -> None:
    measurement = CHECKS["steady_state"].measure(run(**fields))
    assert isinstance(measurement, Count)
    assert measurement.value == 0


@pytest.mark.parametrize(
    "fields", [{"phases": PHASES[:1]}, {"samples": ()}, {"faults": (fault(6, "inject"),)}]
)
def test_without_a_steady_phase_nothing_is_said(fields: dict[str, Any]) -> None:
    assert isinstance(CHECKS["steady_state"].measure(run(**fields)), Unjudged)


@pytest.mark.parametrize("blind", [range(5, 10), range(10, 14), range(15, 30)])
def test_a_steady_phase_that_was_not_sampled_throughout_is_not_judged(blind: range) -> None:
    measurement = CHECKS["steady_state"].measure(run(blind=blind))
    assert isinstance(measurement, Unjudged)
    assert measurement.reason.startswith(
        "not sampled throughout the steady phase: stream job, stream job running"
    )


def test_a_steady_phase_that_is_under_way_is_judged_as_far_as_it_was_sampled() -> None:
    of = run(blind=range(15, 70), faults=(), phases=PHASES[:2])
    assert isinstance(CHECKS["steady_state"].measure(of), Count)


def test_faults_that_were_carried_out_pass() -> None:
    assert CHECKS["faults_carried_out"].measure(run(ends=[killed(20.2)])) == Count(
        value=0, detail="of 1 faults"
    )


FAILED = (fault(20, "inject"), fault(21, "inject", ok=False, detail="no such node"), fault(30, "heal"))


@pytest.mark.parametrize(
    ("faults", "reason"),
    [
        ((), "kill kafka-broker-1 was not injected"),
        (KILLED[:1], "kill kafka-broker-1 was not healed"),
        (FAILED, "inject kill kafka-broker-1: no such node"),
    ],
)
def test_a_fault_that_was_not_carried_out_makes_the_run_inconclusive(
    faults: tuple[FaultLine, ...], reason: str
) -> None:
    of = run(faults=faults, ends=[killed(20.2)])
    assert CHECKS["faults_carried_out"].measure(of) == Unjudged(reason=reason)


def killed(at_s: float, node: str = "kafka-broker-1", code: int = -9) -> EndLine:
    return EndLine(at_ns=round(at_s * SECOND_NS), node=node, exit=code)


@pytest.mark.parametrize(
    "ends",
    [
        [],
        [killed(19.9)],
        [killed(30.1)],
        [killed(25, "kafka-broker-2")],
        [killed(25, code=1)],
        [killed(25, code=-15)],
    ],
)
def test_a_kill_that_ended_no_process_was_not_carried_out(ends: list[EndLine]) -> None:
    reason = "kill kafka-broker-1: the record has no end by SIGKILL of kafka-broker-1 before the heal"
    assert CHECKS["faults_carried_out"].measure(run(ends=ends)) == Unjudged(reason=reason)


def test_every_target_of_a_kill_must_have_ended() -> None:
    nodes = ["kafka-broker-1", "kafka-broker-2"]
    planned = scenario(faults=(SCHEDULE.model_copy(update={"targets": tuple(nodes)}),))
    of = run(
        of=planned,
        faults=(fault(20, "inject", nodes=nodes), fault(30, "heal", nodes=nodes)),
        ends=[killed(21)],
    )
    measured = CHECKS["faults_carried_out"].measure(of)
    assert isinstance(measured, Unjudged)
    assert "SIGKILL of kafka-broker-2 before" in measured.reason


PAUSE = SCHEDULE.model_copy(update={"kind": "pause"})


def pause(*seen: str) -> tuple[FaultLine, ...]:
    """A pause of which each look saw this."""
    looks = [
        fault(20.1 + n, "look", kind="pause", states={"kafka-broker-1": state})
        for n, state in enumerate(seen)
    ]
    return (fault(20, "inject", kind="pause"), *looks, fault(30, "heal", kind="pause"))


def of_pause(*seen: str) -> Any:
    return CHECKS["faults_carried_out"].measure(run(of=scenario(faults=(PAUSE,)), faults=pause(*seen)))


def test_a_pause_is_carried_out_when_its_target_stood_still_all_the_time() -> None:
    assert of_pause("paused", "paused") == Count(value=0, detail="of 1 faults")
    assert of_pause("paused", "ended") == Count(value=0, detail="of 1 faults")


@pytest.mark.parametrize(
    "seen",
    [(), ("paused",), ("running", "running"), ("paused", "running"), ("running", "paused"), ("unknown",) * 2],
)
def test_a_pause_in_which_the_target_was_not_seen_to_stand_still_was_not_carried_out(
    seen: tuple[str, ...],
) -> None:
    reason = "pause kafka-broker-1: the record does not show that kafka-broker-1 stood still until the heal"
    assert of_pause(*seen) == Unjudged(reason=reason)


def test_a_fault_of_which_nothing_is_known_is_not_believed() -> None:
    lines = (fault(20, "inject", kind="melt"), fault(30, "heal", kind="melt"))
    planned = scenario(faults=(SCHEDULE.model_copy(update={"kind": "melt"}),))
    measured = CHECKS["faults_carried_out"].measure(run(of=planned, faults=lines))
    assert measured == Unjudged(reason="melt kafka-broker-1: no evidence is defined for faults of this kind")


def test_a_fault_at_other_targets_is_not_the_one_that_was_planned() -> None:
    elsewhere = [fault(t, a, nodes=["kafka-broker-2"]) for t, a in ((20, "inject"), (30, "heal"))]
    measured = CHECKS["faults_carried_out"].measure(
        run(faults=elsewhere, ends=[killed(21, "kafka-broker-2")])
    )
    assert measured == Unjudged(reason="kill kafka-broker-1 was not injected")


@pytest.mark.parametrize("name", ["recovery_time", "catch_up_time"])
@pytest.mark.parametrize("noted_after_s", [0.0, 0.0009, 0.6])
def test_what_follows_of_a_fault_belongs_to_the_fault_whenever_its_phase_was_noted(
    name: str, noted_after_s: float
) -> None:
    phases = (
        *PHASES[:2],
        phase(20 + noted_after_s, "fault"),
        phase(30 + noted_after_s, "recovery"),
        phase(60, "drain"),
    )
    measured = {**CHECKS, "recovery_time": WITHOUT_HOT_STORE}[name].measure(
        run(phases=phases, lagging={22: 9.0, 31: 9.0})
    )
    assert isinstance(measured, Distribution)
    assert measured.phases.tolist() == ["fault"]


@pytest.mark.parametrize("name", ["recovery_time", "catch_up_time"])
def test_where_no_fault_is_planned_there_is_nothing_to_recover_from(name: str) -> None:
    of = scenario(Expectation(check=name, thresholds=("count == 0", "count == 2", "max < 9s")))
    judgement = judge_history(history(of=of, samples=[]), run_id="r", checks={name: CHECKS[name]})
    found = [(finding.observed, finding.verdict) for finding in judgement.findings]
    assert found == [(0.0, Verdict.PASS), (0.0, Verdict.FAIL), (None, Verdict.INCONCLUSIVE)]
    assert judgement.measured == ()
