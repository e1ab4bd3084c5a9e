"""Steady state before the faults, and the time from a fault until it is back."""

from __future__ import annotations

from typing import Any

import pytest

from harness.checks import CHECKS
from harness.checks.measurement import Count, Distribution, Unjudged
from harness.checks.signals import stream_delay
from harness.history.course import FaultLine
from harness.scenario.model import FaultSpec
from tests.core.histories import SECOND_NS, fault, history, phase, run_info, sample, scenario, sent

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


def run(
    slow: dict[int, float] | None = None,
    lagging: dict[int, float] | None = None,
    stopped: range = range(0),
    faults: tuple[FaultLine, ...] = KILLED,
    **fields: Any,
) -> Any:
    """A run whose batches take 10 ms and whose job is a second behind, but for the seconds that are named."""
    slow, lagging = slow or {}, lagging or {}
    operations = [batch(at_s, slow.get(at_s, 0.01)) for at_s in range(60)]
    samples = [
        row
        for at_s in range(70)
        for row in (
            sample("source_end_offset", at_s, RATE * min(at_s, 60)),
            sample("stream_lag_events", at_s, RATE * min(lagging.get(at_s, 1.0), at_s)),
            sample("job_running", at_s, 0 if at_s in stopped else 1),
        )
    ]
    tables = {"operations": operations, "samples": samples, "phases": PHASES, "faults": faults}
    return history(of=scenario(faults=(SCHEDULE,)), **{**tables, **fields})


def batch(at_s: int, took_s: float) -> dict[str, object]:
    due = at_s * SECOND_NS
    done = due + round(took_s * SECOND_NS)
    return sent(at_s * RATE, at_s * RATE + RATE - 1, intended_ns=due, started_ns=due, completed_ns=done)


def recovered_s(of: Any) -> list[float]:
    measurement = CHECKS["recovery_time"].measure(of)
    assert isinstance(measurement, Distribution), measurement
    return [round(value, 2) for value in measurement.values.tolist()]


def test_a_platform_that_was_never_disturbed_recovered_at_once() -> None:
    assert recovered_s(run()) == [0.0]


def test_recovery_ends_when_the_last_slow_answer_came() -> None:
    assert recovered_s(run(slow={21: 5.0, 22: 4.0, 23: 3.0})) == [6.0]


def test_recovery_ends_when_the_stream_job_has_caught_up() -> None:
    assert recovered_s(run(lagging={at_s: at_s - 20 for at_s in range(23, 33)})) == [13.0]


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
    assert isinstance(CHECKS["recovery_time"].measure(of), Unjudged)


def test_recovery_says_which_fault_took_how_long() -> None:
    measurement = CHECKS["recovery_time"].measure(run(slow={21: 2.0}))
    assert isinstance(measurement, Distribution)
    assert (measurement.examples, measurement.phases.tolist()) == (("kill kafka-broker-1: 3.0 s",), ["fault"])


@pytest.mark.parametrize(
    "fields", [{"faults": ()}, {"phases": PHASES[:1]}, {"samples": ()}, {"phases": PHASES[2:]}]
)
def test_recovery_needs_a_fault_and_a_steady_phase_before_it(fields: dict[str, Any]) -> None:
    assert isinstance(CHECKS["recovery_time"].measure(run(**fields)), Unjudged)


def test_a_job_that_has_committed_everything_is_not_behind() -> None:
    samples = [
        row for at_s, end in ((0, 0), (1, 100), (2, 100), (9, 100)) for row in committed(at_s, end, lag=0)
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


def test_faults_that_were_carried_out_pass() -> None:
    assert CHECKS["faults_carried_out"].measure(run()) == Count(value=0, detail="of 1 faults")


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
    assert CHECKS["faults_carried_out"].measure(run(faults=faults)) == Unjudged(reason=reason)
