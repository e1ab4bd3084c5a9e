"""The limits that apply to a run: those of its scenario, and the defaults of the checks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from harness.judge.baseline import Baseline, NoBaseline
from harness.judge.measure.finding import WHOLE_RUN
from harness.judge.measure.protocol import Check
from harness.judge.registry import CHECKS, unfit
from harness.scenario.model import Scenario
from harness.scenario.setting import Setting
from harness.scenario.thresholds import Threshold, parse

_WAIVED: Final = "waived"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One limit of one check."""

    check: str
    text: str
    """As the user wrote it."""
    unit: str = ""
    phase: str = WHOLE_RUN
    threshold: Threshold | None = None
    """None where it cannot be compared with anything."""
    why_not: str = ""
    """Why that is so."""
    note: str = ""
    """Its value, where it is a multiple of a baseline."""
    waiver: str = ""
    """Why the scenario waives it; "" where it applies."""


def limits_of(scenario: Scenario, checks: Mapping[str, Check], baseline: Baseline | None) -> Iterator[Limit]:
    """Yield every limit, in the order of the checks. Default limits apply unless the scenario waives them.

    A limit that a scenario adds is never waived. A waiver without a default limit is yielded as a limit that
    cannot be judged.
    """
    waivers = {expected.check: expected.waive for expected in scenario.expect if expected.waive is not None}
    added: dict[str, list[str]] = {}
    for expected in scenario.expect:
        added.setdefault(expected.check, []).extend(expected.thresholds)
    for name in dict.fromkeys((*checks, *added)):
        check, waiver = checks.get(name), waivers.get(name, "")
        own = () if check is None else check.default_thresholds
        texts = [text for text in dict.fromkeys(added.get(name, ())) if waiver or text not in own]
        if check is None:
            why_not = _why_not_judged(name, scenario)
            yield from (Limit(check=name, text=text, why_not=why_not) for text in texts or [_WAIVED])
            continue
        yield from (replace(_limit(check, text, baseline), waiver=waiver) for text in own)
        yield from (_limit(check, text, baseline) for text in texts)
        if waiver and not own:
            yield Limit(check=name, text=_WAIVED, why_not="it has no default limit to waive")


def _why_not_judged(name: str, scenario: Scenario) -> str:
    needed = unfit(name, Setting.of(scenario)) if name in CHECKS else ""
    return f"it cannot judge this scenario unless {needed}" if needed else "there is no such check"


def _limit(check: Check, text: str, baseline: Baseline | None) -> Limit:
    try:
        threshold = parse(text, unit=check.unit, aggregates=check.aggregates, with_baseline=True)
    except ValueError as error:
        return Limit(check=check.name, unit=check.unit, text=text, why_not=f"not a limit: {error}")
    phase = ",".join(threshold.phases) or WHOLE_RUN
    limit = Limit(check=check.name, unit=threshold.unit, text=text, phase=phase, threshold=threshold)
    return _compared(limit, threshold, baseline) if threshold.of_baseline else limit


def _compared(limit: Limit, threshold: Threshold, baseline: Baseline | None) -> Limit:
    """Resolve a multiple of a baseline to its value."""
    if baseline is None:
        return replace(limit, threshold=None, why_not="there is no baseline to compare with")
    try:
        in_figures = threshold.times(baseline.figure(limit.check, threshold))
        if not (math.isfinite(in_figures.limit) and in_figures.limit > 0):
            raise NoBaseline(f"the limit would be {in_figures.limit:g}; it must be finite and above 0")
    except NoBaseline as error:
        return replace(limit, threshold=None, why_not=f"nothing to compare with: {error}")
    note = f"{in_figures.limit:,.6g} {limit.unit}".rstrip()
    return replace(limit, threshold=in_figures, note=f"the limit is {note}, by run {baseline.run_id}")
