"""The steady-state hypothesis: before anything is broken, the platform keeps up.

It does when the stream job ran throughout, every event was acknowledged, acknowledgements came within five
seconds, and uncommitted events of the stream job were never older than three checkpoints plus five seconds.
Faults that hit an unsteady platform prove nothing, and neither does a steady phase with missing samples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from typing import Final

import numpy as np

from harness.history.course import FOREVER_NS, Span, steady_span
from harness.history.reader import History
from harness.judge.measure.check import SafetyCheck
from harness.judge.measure.measurement import Count, Measurement, Numbers, Unjudged
from harness.judge.measure.offered import offered_load
from harness.judge.measure.signals import SECOND_NS, Signal, disagreement, last_sample_ns
from harness.scenario.model import STEADY_MIN_S

_ALLOWED_EARLY_S: Final = 0.5
"""Phases begin and faults hit slightly later than planned."""


class SteadyState(SafetyCheck):
    """Counts the conditions that were broken in the steady phase before the first fault."""

    name = "steady_state"
    describes = "conditions of the steady-state hypothesis that were broken before the first fault"
    needs: Set[str] = frozenset({"samples", "operations", "phases", "faults", "run"})

    def __init__(self, signals: Callable[[History], tuple[Signal, ...]]) -> None:
        """``signals`` derives the deployed layers' signals that are available while the load flows."""
        self._signals = signals

    def measure(self, history: History) -> Measurement:
        """The number of broken conditions."""
        steady = steady_span(history.phases, history.faults)
        if steady is None or steady.to_ns - steady.from_ns < (STEADY_MIN_S - _ALLOWED_EARLY_S) * SECOND_NS:
            return Unjudged(reason=f"no steady phase of {STEADY_MIN_S:g} s before the first fault")
        signals = self._signals(history)
        limits_s = {signal.name: signal.steady_limit_s for signal in signals}
        spans = {s.name: (steady.from_ns, steady.to_ns - _exempt_ns(s, limits_s)) for s in signals}
        seen = {s.name: s.within(*spans[s.name]) for s in signals}
        if why := _why_unjudged(history, steady, signals, seen):
            return Unjudged(reason=why)
        worst_s = {name: float(np.max(seen[name])) for name in limits_s}
        share_s = {s.name: float(np.max(s.within(*spans[s.name], of_platform=True))) for s in signals}
        broken = [name for name, limit_s in limits_s.items() if worst_s[name] > limit_s]
        by_platform = [name for name in broken if share_s[name] > limits_s[name]]
        if broken and not by_platform:
            return Unjudged(reason=_late_load(broken, worst_s, share_s))
        return Count(
            value=len(by_platform),
            detail="; ".join(f"{name} at most {worst_s[name]:.2f} s behind" for name in limits_s),
            examples=tuple(f"{n}: {worst_s[n]:.2f} s behind, allowed {limits_s[n]:g} s" for n in by_platform),
        )


def _why_unjudged(
    history: History, steady: Span, signals: Sequence[Signal], seen: Mapping[str, Numbers]
) -> str:
    """Why the steady phase cannot be judged; "" where it can."""
    if clocks := history.clock_deviations or disagreement(signals):
        return clocks
    if unseen := [name for name, delays_s in seen.items() if not len(delays_s)]:
        return f"nothing was seen in the steady phase of: {', '.join(unseen)}"
    # A phase still under way has no end yet: it is judged up to the last sample written.
    end_ns = last_sample_ns(history) if steady.to_ns == FOREVER_NS else steady.to_ns
    if blind := [s.name for s in signals if s.sampled and not s.covers(steady.from_ns, end_ns)]:
        return f"not sampled throughout the steady phase: {', '.join(blind)}"
    return offered_load(history).short([steady.phase])


def _late_load(broken: Sequence[str], worst_s: Mapping[str, float], share_s: Mapping[str, float]) -> str:
    delays = ", ".join(f"{n} {worst_s[n]:.2f} s behind, and {share_s[n]:.2f} s without that" for n in broken)
    return f"the load itself was late, and the platform cannot be blamed for it: {delays}"


def _exempt_ns(signal: Signal, limits_s: dict[str, float]) -> int:
    """The length of the steady phase's end in which a signal is not judged.

    An operation that began less than its limit before the fault may be slow because of the fault; an earlier
    one was slow before it.
    """
    return 0 if signal.sampled else round(limits_s.get(signal.name, 0.0) * SECOND_NS)
