"""The steady-state hypothesis: before anything is broken, the platform keeps up.

It does when the stream job ran throughout, when no event went unacknowledged, when acknowledgements came
within five seconds, and when what the stream job had not committed was never older than three checkpoints and
five seconds. Faults that hit a platform that was not steady prove nothing, and nor does a steady phase of
which samples are missing.
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
"""Phases begin and faults hit a moment later than planned."""


class SteadyState(SafetyCheck):
    """Counts the conditions that were broken in the steady phase before the first fault."""

    name = "steady_state"
    describes = "conditions of the steady-state hypothesis that were broken before the first fault"
    needs: Set[str] = frozenset({"samples", "operations", "phases", "faults", "run"})

    def __init__(self, signals: Callable[[History], tuple[Signal, ...]]) -> None:
        """``signals``: those of what is deployed that can be derived while the load flows."""
        self._signals = signals

    def measure(self, history: History) -> Measurement:
        """How many conditions were broken."""
        steady = steady_span(history.phases, history.faults)
        if steady is None or steady.to_ns - steady.from_ns < (STEADY_MIN_S - _ALLOWED_EARLY_S) * SECOND_NS:
            return Unjudged(reason=f"no steady phase of {STEADY_MIN_S:g} s before the first fault")
        looked = self._signals(history)
        limits_s = {signal.name: signal.steady_limit_s for signal in looked}
        spans = {s.name: (steady.from_ns, steady.to_ns - _spared_ns(s, limits_s)) for s in looked}
        seen = {s.name: s.within(*spans[s.name]) for s in looked}
        if why := _untold(history, steady, looked, seen):
            return Unjudged(reason=why)
        worst_s = {name: float(np.max(seen[name])) for name in limits_s}
        share_s = {s.name: float(np.max(s.within(*spans[s.name], of_platform=True))) for s in looked}
        broken = [name for name, limit_s in limits_s.items() if worst_s[name] > limit_s]
        by_platform = [name for name in broken if share_s[name] > limits_s[name]]
        if broken and not by_platform:
            return Unjudged(reason=_own_doing(broken, worst_s, share_s))
        return Count(
            value=len(by_platform),
            detail="; ".join(f"{name} at most {worst_s[name]:.2f} s behind" for name in limits_s),
            examples=tuple(f"{n}: {worst_s[n]:.2f} s behind, allowed {limits_s[n]:g} s" for n in by_platform),
        )


def _untold(history: History, steady: Span, looked: Sequence[Signal], seen: Mapping[str, Numbers]) -> str:
    """Why it cannot be told whether the platform was steady; "" where it can."""
    if clocks := history.clock_deviations or disagreement(looked):
        return clocks
    if unseen := [name for name, delays_s in seen.items() if not len(delays_s)]:
        return f"nothing was seen in the steady phase of: {', '.join(unseen)}"
    # A phase that is still under way has no end yet: it is judged as far as samples have been written.
    end_ns = last_sample_ns(history) if steady.to_ns == FOREVER_NS else steady.to_ns
    if blind := [s.name for s in looked if s.sampled and not s.covers(steady.from_ns, end_ns)]:
        return f"not sampled throughout the steady phase: {', '.join(blind)}"
    return offered_load(history).short([steady.phase])


def _own_doing(broken: Sequence[str], worst_s: Mapping[str, float], share_s: Mapping[str, float]) -> str:
    told = ", ".join(f"{n} {worst_s[n]:.2f} s behind, and {share_s[n]:.2f} s without that" for n in broken)
    return f"the load itself was late, and the platform cannot be blamed for it: {told}"


def _spared_ns(signal: Signal, limits_s: dict[str, float]) -> int:
    """The end of the steady phase that a signal is not held to.

    What began less than its limit before the fault may be slow because of the fault; what began earlier was
    slow before it.
    """
    return 0 if signal.sampled else round(limits_s.get(signal.name, 0.0) * SECOND_NS)
