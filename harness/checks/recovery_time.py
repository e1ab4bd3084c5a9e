"""How long the platform took, from the recorded injection of each fault, to be steady again.

The steady band of each signal (harness/checks/signals.py) reaches to one and a quarter of the largest delay
of the steady phase before the first fault, and one second, the grain of the samples, beyond it. A fault is
over when every signal is back in its band and stays there for five seconds. Until its heal has worked every
disturbance counts, so that neither a slow onset nor the heal's own disturbance is missed. A platform that
never left the band recovered in no time.

Recovery cannot be seen where nobody looked: a gap between samples is a disturbance, an event of the hot store
that never came is one without an end, and where samples stop too early nothing is said.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import dataclass
from typing import Final

import numpy as np

from harness.checks.freshness import event_ages, missed
from harness.checks.measurement import NOTHING, Distribution, Measurement, Numbers, Unjudged
from harness.checks.protocol import DISTRIBUTION
from harness.checks.signals import GAP_NS, SECOND_NS, Signal, sampled_until_ns, signals
from harness.history.course import FOREVER_NS, FaultSpan, steady_span
from harness.history.reader import History

HOLD_NS: Final = 5 * SECOND_NS
_OF_HOT_STORE: Final = frozenset({"sought", "seen", "plan"})
_BAND_FACTOR: Final = 1.25
_BAND_ALLOWANCE_S: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Disturbances:
    """The intervals in which some signal was out of its band, by their beginning."""

    from_ns: Numbers
    to_ns: Numbers
    """FOREVER_NS for what was never seen to end."""


class RecoveryTime:
    """One value a fault; infinite where the platform had not recovered when the run ended."""

    name = "recovery_time"
    describes = "from a fault's injection until sending, stream job and hot store are steady again"
    unit = "s"
    aggregates: Set[str] = DISTRIBUTION
    default_thresholds: tuple[str, ...] = ()
    needs: Set[str] = frozenset({"samples", "operations", "phases", "faults", "run"})

    def measure(self, history: History) -> Measurement:
        """The recovery time of each fault that was injected."""
        # They are there where there is a hot store alone, so they are not needed of every run.
        if damaged := sorted(_OF_HOT_STORE & history.damaged):
            return Unjudged(reason=f"a part of {', '.join(damaged)} cannot be read")
        return recoveries(history, signals(history), since_ns=lambda fault: fault.inject_ns)


def recoveries(
    history: History, seen: tuple[Signal, ...], *, since_ns: Callable[[FaultSpan], int]
) -> Measurement:
    """How long after a moment of each fault, in seconds, all these signals were back in their bands."""
    if not history.faults:
        return Unjudged(reason="no fault was injected") if history.scenario.faults else NOTHING
    steady = steady_span(history.phases, history.faults)
    if steady is None:
        return Unjudged(reason="there was no steady phase before the first fault to recover to")
    before = {s.name: s.before(steady.from_ns, steady.to_ns) for s in seen}
    if unseen := [name for name, delays_s in before.items() if not len(delays_s)]:
        return Unjudged(reason=f"nothing was seen in the steady phase of: {', '.join(unseen)}")
    limits_s = {name: _limit_s(delays_s) for name, delays_s in before.items()}
    if down := [name for name, limit_s in limits_s.items() if not np.isfinite(limit_s)]:
        return Unjudged(reason=f"not steady before the first fault: {', '.join(down)}")
    if "hot store" in before and (why := missed(history, event_ages(history))):
        return Unjudged(reason=why)
    disturbances = _disturbances([(s, limits_s[s.name]) for s in seen])
    return _recoveries(history, disturbances, _sampling_end_ns(seen), since_ns)


def _limit_s(delays_s: Numbers) -> float:
    return float(delays_s.max()) * _BAND_FACTOR + _BAND_ALLOWANCE_S


def _sampling_end_ns(seen: tuple[Signal, ...]) -> int:
    """Until when every signal that is sampled was; sending alone needs no samples."""
    return min((int(signal.from_ns[-1]) for signal in seen if signal.sampled), default=FOREVER_NS)


def _disturbances(banded: list[tuple[Signal, float]]) -> _Disturbances:
    from_ns: list[Numbers] = []
    to_ns: list[Numbers] = []
    for signal, limit_s in banded:
        out = signal.delay_s > limit_s
        ends = signal.to_ns.copy()
        if signal.sampled and out[-1]:
            ends[-1] = FOREVER_NS
        from_ns.append(signal.from_ns[out])
        to_ns.append(ends[out])
    beginnings, ends = np.concatenate(from_ns), np.concatenate(to_ns)
    order = np.argsort(beginnings, kind="stable")
    return _Disturbances(from_ns=beginnings[order], to_ns=ends[order])


def _recoveries(
    history: History,
    disturbances: _Disturbances,
    sampling_end_ns: int,
    since_ns: Callable[[FaultSpan], int],
) -> Measurement:
    faults = sorted(history.faults, key=lambda fault: fault.inject_ns)
    following_ns = [*(fault.inject_ns for fault in faults[1:]), FOREVER_NS]
    ends_ns = [_recovered_ns(f, n, disturbances) for f, n in zip(faults, following_ns, strict=True)]
    untold = [
        fault.title
        for fault, following, end in zip(faults, following_ns, ends_ns, strict=True)
        if sampling_end_ns + GAP_NS
        < min(max(_counts_until_ns(fault, following), end + HOLD_NS), sampled_until_ns(history))
    ]
    if untold:
        return Unjudged(reason=f"samples stop before recovery could be told from: {', '.join(untold)}")
    took_s = [
        float("inf") if end >= FOREVER_NS else max(0.0, (end - since_ns(fault)) / SECOND_NS)
        for fault, end in zip(faults, ends_ns, strict=True)
    ]
    never = [fault.title for fault, s in zip(faults, took_s, strict=True) if s == float("inf")]
    if never and not history.complete:
        return Unjudged(reason=f"the run ended before it had recovered from: {', '.join(never)}")
    return Distribution(
        values=np.array(took_s),
        # Whenever the phase was noted: what follows of a fault is of no other phase.
        phases=np.full(len(faults), "fault"),
        weights=np.ones(len(faults), dtype=np.int64),
        examples=tuple(_example(f, s) for f, s in zip(faults, took_s, strict=True)),
    )


def _recovered_ns(fault: FaultSpan, next_fault_ns: int, disturbances: _Disturbances) -> int:
    """When the last disturbance of the fault ended; the injection itself where there was none."""
    counts_until_ns = _counts_until_ns(fault, next_fault_ns)
    recovered_ns = fault.inject_ns
    for from_ns, to_ns in zip(disturbances.from_ns.tolist(), disturbances.to_ns.tolist(), strict=True):
        if from_ns >= counts_until_ns and from_ns >= recovered_ns + HOLD_NS:
            break
        recovered_ns = max(recovered_ns, to_ns)
    return recovered_ns


def _counts_until_ns(fault: FaultSpan, next_fault_ns: int) -> int:
    """Until when every disturbance is the fault's, however long the platform was steady before it."""
    healed_ns = next_fault_ns if fault.heal_ns is None else fault.heal_ns
    return min(healed_ns + HOLD_NS, next_fault_ns)


def _example(fault: FaultSpan, took_s: float) -> str:
    return f"{fault.title}: " + ("never" if took_s == float("inf") else f"{took_s:.1f} s")
