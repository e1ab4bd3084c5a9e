"""The hot writers' batches: when each was, how long it took, and what was not written although it waited."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.history.course import HotWriteLine
from harness.judge.judge import judge_history
from harness.judge.measure.finding import Finding, Verdict
from harness.judge.measure.measurement import Distribution, Unjudged
from harness.judge.registry import CHECKS
from harness.scenario.model import Expectation
from tests.core.histories import SECOND_NS, Rows, fault, history, phase, run_info, sample, scenario

NAME = "hot_write_latency"
COURSE = (phase(0, "steady"), phase(60, "drain"))
EPOCH_NS = run_info().epoch_unix_ns


def ns(at_s: float) -> int:
    return round(at_s * SECOND_NS)


def write(at_s: float, took_ms: float = 5.0, **fields: object) -> HotWriteLine:
    line: dict[str, object] = {"at_unix_ns": EPOCH_NS + ns(at_s), "duration_us": took_ms * 1e3, "rows": 1}
    return HotWriteLine.model_validate({**line, "table": "t", **fields})


def waited(*spans: tuple[float, float], until_s: int = 61) -> Rows:
    """A look a second; something waits in these spans, in one of two topics."""
    return [
        sample("hot_lag_events", s, any(begin <= s < end for begin, end in spans) * (label == "a"), label)
        for s in range(until_s)
        for label in ("a", "b")
    ]


def measured(writes: Sequence[HotWriteLine], samples: Rows, **parts: Any) -> Distribution | Unjudged:
    given: dict[str, Any] = {"phases": COURSE, "hot_writes": writes, "samples": samples, **parts}
    found = CHECKS[NAME].measure(history(**given))
    assert isinstance(found, Distribution | Unjudged)
    return found


def distributed(writes: Sequence[HotWriteLine], samples: Rows, **parts: Any) -> Distribution:
    found = measured(writes, samples, **parts)
    assert isinstance(found, Distribution)
    return found


def judged(limit: str, writes: Sequence[HotWriteLine], samples: Rows, **parts: Any) -> Finding:
    of = scenario(Expectation(check=NAME, thresholds=(limit,)))
    given: dict[str, Any] = {"phases": COURSE, "hot_writes": writes, "samples": samples, **parts}
    return judge_history(history(of=of, **given), run_id="r", checks={NAME: CHECKS[NAME]}).findings[0]


def test_each_batch_counts_once_at_its_start() -> None:
    found = distributed([write(s) for s in range(0, 62, 2)], waited((0, 60)))
    assert (found.values.tolist(), found.weights.tolist()) == ([5.0] * 31, [1] * 31)
    assert found.phases.tolist() == ["steady"] * 30 + ["drain"]


def test_a_writer_that_hangs_for_the_rest_of_the_run_has_slow_batches() -> None:
    """Five hundred batches in five seconds, and then none."""
    finding = judged("p(99) < 100ms", [write(n / 100) for n in range(500)], waited((0, 61)))
    assert (finding.verdict, finding.observed) == (Verdict.FAIL, math.inf)
    assert finding.detail == "it never came; nothing was written for up to 55.0 s while records waited"


def test_where_nobody_looked_what_waited_nothing_is_judged() -> None:
    finding = judged("p(99) < 100ms", [write(s) for s in range(5)], ())
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.detail == (
        "nothing was written from 4.0 s to 60.0 s, and it is not recorded whether records waited"
    )


def test_a_writer_that_has_nothing_to_write_is_not_slow() -> None:
    assert distributed([write(s) for s in range(5)], waited((0, 5))).maximum == 5.0


def test_a_silence_that_ended_stands_for_the_batches_that_should_have_been_written() -> None:
    """One a second, but for the twenty seconds from 20 s on, in which records waited."""
    found = distributed([write(s) for s in range(61) if not 20 <= s < 40], waited((0, 61)))
    assert (found.count, found.maximum) == (61, 20_000.0)
    assert found.detail == "nothing was written for up to 20.0 s while records waited"
    assert sorted(found.values.tolist())[-3:] == pytest.approx([18_000.0, 19_000.0, 20_000.0])


def test_a_writer_that_was_killed_and_came_back_within_ten_seconds_is_not_silent() -> None:
    assert distributed([write(s) for s in range(61) if not 21 <= s < 30], waited((0, 61))).maximum == 5.0


def test_what_a_fault_silenced_is_the_faults_and_not_the_steady_phases() -> None:
    course = (phase(0, "steady"), phase(20, "fault"), phase(30, "recovery"), phase(60, "drain"))
    lines = [write(n / 10) for n in range(610) if not 200 <= n < 350]
    samples, faults = waited((0, 61)), (fault(20, "inject"), fault(30, "heal"))
    steady = judged("p(95) < 1s during steady", lines, samples, phases=course, faults=faults)
    broken = judged("p(95) < 1s during fault", lines, samples, phases=course, faults=faults)
    assert (steady.verdict, broken.verdict) == (Verdict.PASS, Verdict.FAIL)


def test_a_batch_that_goes_on_is_no_silence() -> None:
    lines = [write(0), write(1, took_ms=50_000), *(write(s) for s in range(51, 61))]
    assert sorted(distributed(lines, waited((0, 61))).values.tolist())[-2:] == [5.0, 50_000.0]


def test_a_run_that_was_cut_short_was_silent_for_as_long_as_it_is_known() -> None:
    lines, samples = [write(n / 10) for n in range(100)], waited((0, 40), until_s=40)
    short = (phase(0, "steady"), phase(40, "drain"))
    assert isinstance(measured(lines, samples, info=run_info("no")), Unjudged)
    assert distributed(lines, samples, info=run_info("no"), phases=short).maximum == 30_000.0


@given(st.sets(st.integers(0, 60), min_size=1), st.lists(st.booleans(), min_size=61, max_size=61))
def test_the_more_waited_the_slower_are_the_writers(at_s: set[int], waiting: list[bool]) -> None:
    lines = [write(s) for s in sorted(at_s)]
    calm, busy = (
        distributed(lines, [sample("hot_lag_events", s, 9 * held) for s, held in enumerate(held_at)])
        for held_at in ([False] * 61, waiting)
    )
    assert busy.count >= calm.count == len(lines)
    assert busy.maximum >= calm.maximum


BOOTED = run_info(machine={"boot": "1f3a9c2e"}, epoch_monotonic_ns=ns(1000))
STEADILY = ["steady"] * 30 + ["drain"]


def test_writes_lie_on_the_clock_of_the_run_however_the_wall_clock_was_set() -> None:
    """An hour back from 30 s on: by the wall clock half of the batches would lie before the run."""
    lines = [
        write(s - 3600 * (s >= 30), at_monotonic_ns=ns(1000 + s), boot="1f3a9c2e") for s in range(0, 62, 2)
    ]
    assert distributed(lines, waited((0, 61)), info=BOOTED).phases.tolist() == STEADILY


@pytest.mark.parametrize("boot", ["", "00000000"])
def test_writes_of_another_machine_lie_on_the_wall_clock(boot: str) -> None:
    lines = [write(s, at_monotonic_ns=ns(7), boot=boot) for s in range(0, 62, 2)]
    assert distributed(lines, waited((0, 61)), info=BOOTED).phases.tolist() == STEADILY


@pytest.mark.parametrize(("step_s", "known"), [(-3600.0, False), (0.3, False), (0.2, True), (0.0, True)])
def test_a_wall_clock_that_was_set_tells_nothing(step_s: float, known: bool) -> None:
    course = [
        line.model_copy(update={"at_unix_ns": EPOCH_NS + line.at_ns + ns(step_s) * (line.at_ns > 0)})
        for line in COURSE
    ]
    found = measured([write(s) for s in range(0, 62, 2)], waited((0, 61)), phases=course)
    assert isinstance(found, Distribution) == known
    if isinstance(found, Unjudged):
        assert found.reason == f"the wall clock, which dates the writes, was set by {step_s:+,.3f} s"


def test_runs_that_did_not_note_the_wall_clock_are_judged_by_it() -> None:
    assert distributed([write(s) for s in range(0, 62, 2)], waited((0, 61))).phases.tolist() == STEADILY
