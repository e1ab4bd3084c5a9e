"""Processes that record by other clocks than the run's are noticed, and no speed is judged by them."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.base.run_clock import RunClock
from harness.history.operations import OperationsWriter
from harness.history.parquet_parts import read_lines
from harness.history.process_clocks import ClockLine
from harness.history.reader import History
from harness.judge.judge import judge_history
from harness.judge.measure.finding import Finding, Verdict
from harness.judge.registry import CHECKS
from harness.scenario.model import Expectation
from pipeline.base.options import PipelineOptions
from pipeline.hot.write_log import boot
from tests.core.histories import PHASES, SECOND_NS, history, run_info, sample, scenario, sent

HERE = run_info(machine={"boot": "1f3a9c2e"})
EPOCH_NS = HERE.epoch_unix_ns


def noted(at_s: float, *, ahead_s: float = 0.0, boot: str = "1f3a9c2e") -> ClockLine:
    """The prober's clocks; ahead: it believes the run to be so much older than it is."""
    at_ns = round(at_s * SECOND_NS)
    ahead_ns = round(ahead_s * SECOND_NS)
    return ClockLine(worker="prober-0", at_ns=at_ns + ahead_ns, at_unix_ns=EPOCH_NS + at_ns, boot=boot)


def run_of(*clocks: ClockLine, stepped_s: float = 0.0) -> History:
    """A run whose wall clock was set by so much before its drain."""
    phases = [
        line.model_copy(
            update={
                "at_unix_ns": EPOCH_NS + line.at_ns + round(stepped_s * SECOND_NS) * (line.phase == "drain")
            }
        )
        for line in PHASES
    ]
    of = scenario(
        Expectation(check="produce_latency", thresholds=("max < 1s",)),
        pipeline=PipelineOptions(deploy=()),
    )
    rows = [
        sent(s, s, intended_ns=s * SECOND_NS, started_ns=s * SECOND_NS, completed_ns=s * SECOND_NS + 1)
        for s in range(60)
    ]
    samples = [sample("x", s, 0) for s in range(61)]
    return history(of=of, info=HERE, phases=phases, operations=rows, samples=samples, clocks=clocks)


def judged(run: History, check: str) -> Finding:
    return judge_history(run, run_id="r", checks={check: CHECKS[check]}).findings[0]


@pytest.mark.parametrize("check", ["produce_latency", "steady_state"])
@pytest.mark.parametrize("ahead_s", [-6.0, 6.0, 0.3])
def test_a_process_whose_clock_is_off_makes_speed_inconclusive(check: str, ahead_s: float) -> None:
    finding = judged(run_of(noted(1), noted(60, ahead_s=ahead_s)), check)
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.detail == f"clocks deviate from the run's: prober-0 by {ahead_s:+.3f} s"


@pytest.mark.parametrize(
    "clocks",
    [
        (),
        (noted(1), noted(60)),
        (noted(1, ahead_s=0.2), noted(60, ahead_s=-0.2)),
        (noted(1, ahead_s=6, boot="00000000"),),  # another machine's wall clock shows what it likes
        (noted(1, ahead_s=6, boot=""),),
    ],
)
def test_processes_that_share_the_clock_are_believed(clocks: tuple[ClockLine, ...]) -> None:
    assert judged(run_of(*clocks), "produce_latency").verdict is Verdict.PASS


def test_a_wall_clock_that_was_set_is_no_other_clock() -> None:
    """Set an hour ahead during the run: whoever noted it before and behind has the same clock."""
    before, behind = noted(1), noted(60, ahead_s=-3600)
    behind = behind.model_copy(update={"at_ns": 60 * SECOND_NS, "at_unix_ns": EPOCH_NS + 3660 * SECOND_NS})
    assert judged(run_of(before, behind, stepped_s=3600), "produce_latency").verdict is Verdict.PASS
    assert judged(run_of(before, behind), "produce_latency").verdict is Verdict.INCONCLUSIVE


def test_what_is_counted_is_counted_by_any_clock() -> None:
    assert judged(run_of(noted(60, ahead_s=6)), "faults_carried_out").verdict is Verdict.PASS


def test_whoever_records_operations_notes_its_clocks_at_both_ends(tmp_path: Path) -> None:
    clock = RunClock.start()
    OperationsWriter(tmp_path, "w", clock).close()
    lines, wrong = read_lines(tmp_path / "clocks-w.jsonl", ClockLine)
    assert not wrong
    assert [(line.worker, line.boot) for line in lines] == [("w", boot())] * 2
    assert all(abs(line.at_unix_ns - clock.epoch_unix_ns - line.at_ns) < SECOND_NS for line in lines)


def test_both_clocks_are_those_of_the_closest_look() -> None:
    ticks = iter([0, 9000, 9001, 9003, 20_000, 29_000, 30_000, 39_000, 40_000, 49_000])
    clock = RunClock(
        epoch_unix_ns=0,
        epoch_monotonic_ns=0,
        monotonic_ns=lambda: next(ticks),
        unix_ns=iter(range(5)).__next__,
    )
    assert clock.both_ns() == (9002, 1)
