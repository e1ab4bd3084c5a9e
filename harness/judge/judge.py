"""Judge a recorded run: each check measures its history, and each limit is compared with the measurement.

Nothing here touches the platform: a run can be judged again as long as its folder exists. A check that
crashes loses only its own findings, and what could not be judged is never PASS.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.history.reader import History
from harness.judge.baseline import Baseline
from harness.judge.checks.speed.generator import NO_SAMPLES, OwnLateness, own_lateness
from harness.judge.judgement import Judgement, Summary, worst
from harness.judge.limits import Limit, limits_of
from harness.judge.measure.aggregates import observe, too_few
from harness.judge.measure.evidence import Evidence, measured
from harness.judge.measure.finding import MAX_EXAMPLES, WHOLE_RUN, Finding, Verdict
from harness.judge.measure.measurement import Count, Distribution, Measurement, Unjudged
from harness.judge.measure.protocol import Check, SpeedCheck
from harness.judge.registry import checks_for
from harness.scenario.phases import PHASES
from harness.scenario.thresholds import Threshold

_UNITS_OF_TIME = ("ms", "s")
_READ_BACK = "readback_"
_CUT_SHORT = "the run did not complete"


def judge(run_dir: Path) -> Judgement:
    """Judge the run in a folder and write its ``findings.json``. Safe to call again.

    Raises ``RunError`` when the scenario of the run cannot be read.
    """
    return judge_opened(History.open(run_dir), run_dir)


def judge_opened(history: History, run_dir: Path) -> Judgement:
    """Judge a run whose history is already open, and leave it open for the report."""
    judgement = judge_history(history, run_id=run_dir.resolve().name)
    judgement.save(run_dir)
    return judgement


def judge_history(
    history: History,
    *,
    run_id: str,
    checks: Mapping[str, Check] | None = None,
    baseline: Baseline | None = None,
) -> Judgement:
    """Judge a history with the checks that fit its scenario. No I/O.

    Without a ``baseline``, limits that are multiples of one are INCONCLUSIVE.
    """
    checks = checks_for(history.scenario) if checks is None else checks
    measurements = {name: _measure(check, history) for name, check in checks.items()}
    evidence, run = measured(history), _Run.of(history)
    findings = (
        *(
            _finding(limit, checks.get(limit.check), measurements.get(limit.check), evidence, run)
            for limit in limits_of(history.scenario, checks, baseline)
        ),
        *_of_history(history.problems, evidence),
    )
    expect_fail = history.scenario.expect_fail
    expectation = _expectation(findings, expect_fail, evidence) if expect_fail else None
    info = history.info
    return Judgement(
        run_id=run_id,
        scenario=history.scenario.name,
        seed=info.seed if info else history.scenario.seed,
        commit=info.commit if info else "unknown",
        command=info.command if info else "",
        evidence=evidence,
        ended=info.ended if info else "no",
        verdict=worst([*findings, *([expectation] if expectation else [])]),
        findings=(*findings, *([expectation] if expectation else [])),
        measured=tuple(_summaries(measurements, checks)),
        expect_fail=expect_fail,
        as_expected=expectation.verdict is Verdict.PASS if expectation else None,
        waived=tuple(dict.fromkeys(f.name for f in findings if f.verdict is Verdict.WAIVED)),
        problems=history.problems,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """Facts about a run that affect every verdict."""

    lateness: OwnLateness
    complete: bool
    """Whether it reached its planned end."""
    read_back_done: bool
    """Whether its final state was read back completely, so that nothing more will appear."""

    @staticmethod
    def of(history: History) -> _Run:
        return _Run(
            lateness=_own_lateness(history),
            complete=history.complete,
            read_back_done=history.read_back_done,
        )


def _measure(check: Check, history: History) -> Measurement:
    if why := _unmeasurable(check, history):
        return Unjudged(reason=why)
    try:
        measurement = check.measure(history)
    except Exception as error:  # noqa: BLE001 -- a crashed check must not cost the other findings
        return Unjudged(reason=f"the check crashed: {type(error).__name__}: {error}")
    if isinstance(measurement, Distribution) and (impossible := measurement.impossible):
        return Unjudged(reason=_disagreement(impossible, check.unit))
    return measurement


def _unmeasurable(check: Check, history: History) -> str:
    """Return why a check cannot measure this run; "" if it can."""
    if damaged := sorted((check.needs | {"run"}) & history.damaged):
        return f"part of {', '.join(damaged)} cannot be read"
    if history.info is None:
        return "the run ended before its load started"
    if missing := sorted(check.needs & history.missing):
        return f"the history lacks {', '.join(missing)}"
    return history.clock_deviations if isinstance(check, SpeedCheck) else ""


def _disagreement(impossible: str, unit: str) -> str:
    """Describe impossible values: a negative duration means that two clocks disagree."""
    blame = "clocks disagree" if unit in _UNITS_OF_TIME else "impossible values"
    return f"{blame}: {impossible}{f' {unit}' if unit else ''}"


def _own_lateness(history: History) -> OwnLateness:
    try:
        return own_lateness(history)
    except Exception:  # noqa: BLE001 -- bad load samples must not cost the other findings
        return NO_SAMPLES


def _finding(
    limit: Limit, check: Check | None, measurement: Measurement | None, evidence: Evidence, run: _Run
) -> Finding:
    verdict, observed, detail = _compare(limit, check, measurement, run)
    if limit.waiver:
        otherwise = f"{verdict}: {detail}" if detail else verdict
        verdict, detail = Verdict.WAIVED, f"waived: {limit.waiver} (it would be {otherwise})"
    return Finding(
        name=limit.check,
        verdict=verdict,
        observed=observed,
        limit=limit.text,
        unit=limit.unit,
        phase=limit.phase,
        evidence=evidence,
        detail=detail,
        examples=() if measurement is None or isinstance(measurement, Unjudged) else measurement.examples,
    )


def _compare(
    limit: Limit, check: Check | None, measurement: Measurement | None, run: _Run
) -> tuple[Verdict, float | None, str]:
    """Compare one measurement with one limit: return the verdict, the observation and the detail."""
    threshold = limit.threshold
    if threshold is None or check is None or measurement is None:
        return Verdict.INCONCLUSIVE, None, limit.why_not
    if isinstance(measurement, Unjudged):
        return Verdict.INCONCLUSIVE, None, measurement.reason
    observed = observe(measurement, threshold)
    if observed is None:
        return Verdict.INCONCLUSIVE, None, "nothing was measured in this phase"
    if doubt := _doubt(check, threshold, measurement, observed, run):
        return Verdict.INCONCLUSIVE, observed, _joined(doubt, limit.note, measurement.detail)
    verdict = Verdict.PASS if threshold.holds(observed) else Verdict.FAIL
    never = "it never came" if math.isinf(observed) else ""
    return verdict, observed, _joined(never, limit.note, measurement.detail)


def _of_history(problems: tuple[str, ...], evidence: Evidence) -> Iterator[Finding]:
    """The last rule: a history with anything lost or altered cannot prove that all was well."""
    if problems:
        yield Finding(
            name="history",
            verdict=Verdict.INCONCLUSIVE,
            observed=float(len(problems)),
            limit="count == 0",
            unit="",
            phase=WHOLE_RUN,
            evidence=evidence,
            detail="part of the recorded history is lost, altered or unreadable",
            examples=problems[:MAX_EXAMPLES],
        )


def _doubt(
    check: Check, threshold: Threshold, measurement: Count | Distribution, observed: float, run: _Run
) -> str:
    """Return why the observation neither meets nor breaks the limit; "" if it does either."""
    kept = threshold.holds(observed)
    if few := too_few(measurement, threshold):
        return few
    if isinstance(measurement, Distribution) and isinstance(check, SpeedCheck):
        doubt = run.lateness.doubt(check.under_load, threshold, measurement, observed)
        if doubt:
            return doubt
    return "" if run.complete or _is_final(check, measurement, run, kept=kept) else _CUT_SHORT


def _is_final(check: Check, measurement: Count | Distribution, run: _Run, *, kept: bool) -> bool:
    """Whether this limit stays broken even if the run had not been cut short.

    What was too slow stays too slow. What is missing may still have been on its way, unless everything was
    read back at the end: anything acknowledged is then either present or lost.
    """
    if kept:
        return False
    reads_back = any(table.startswith(_READ_BACK) for table in check.needs)
    return isinstance(measurement, Distribution) or (run.read_back_done and reads_back)


def _expectation(findings: Sequence[Finding], expect_fail: Sequence[str], evidence: Evidence) -> Finding:
    """Whether exactly the checks that the scenario expects to fail failed. Never FAIL itself."""
    failed = {finding.name for finding in findings if finding.verdict is Verdict.FAIL}
    unjudged = {finding.name for finding in findings if finding.verdict is Verdict.INCONCLUSIVE}
    missed, unplanned = sorted(set(expect_fail) - failed), sorted(failed - set(expect_fail))
    # What could not be judged may have failed too, which rules out "nothing else did".
    unclear = sorted(unjudged - set(expect_fail) - failed)
    detail = _joined(
        f"expected to fail but did not: {', '.join(missed)}" if missed else "",
        f"failed unexpectedly: {', '.join(unplanned)}" if unplanned else "",
        f"could not be judged: {', '.join(unclear)}" if unclear else "",
    )
    return Finding(
        name="expect_fail",
        verdict=Verdict.INCONCLUSIVE if detail else Verdict.PASS,
        observed=float(len(missed) + len(unplanned) + len(unclear)),
        limit="count == 0",
        unit="",
        phase=WHOLE_RUN,
        evidence=evidence,
        detail=detail or f"failed as expected, and nothing else did: {', '.join(sorted(failed))}",
    )


def _summaries(measured: Mapping[str, Measurement], checks: Mapping[str, Check]) -> Iterator[Summary]:
    for name, measurement in measured.items():
        if isinstance(measurement, Distribution) and measurement.count:
            present = set(measurement.phases.tolist())
            phases = [phase for phase in PHASES if phase in present]
            yield _summary(name, checks[name].unit, WHOLE_RUN, measurement)
            for phase in phases:
                yield _summary(name, checks[name].unit, phase, measurement.during([phase]))


def _summary(name: str, unit: str, phase: str, values: Distribution) -> Summary:
    return Summary(
        name=name,
        unit=unit,
        phase=phase,
        count=values.count,
        p50=values.percentile(50),
        p95=values.percentile(95),
        p99=values.percentile(99),
        max=values.maximum,
        min=values.minimum,
        mean=values.mean,
    )


def _joined(*parts: str) -> str:
    return "; ".join(part for part in parts if part)
