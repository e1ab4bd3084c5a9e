"""How long the platform took to be steady again, from the recorded injection of each fault.

The steady band of each signal (harness/judge/measure/signals.py) is 1.25 times its largest delay in the
steady phase before the first fault, plus one second, the resolution of the samples. A platform whose band
would exceed thirty seconds plus three checkpoints was not steady, and its later behavior proves nothing. A
fault is over when every signal is back in its band and stays there for five seconds. Until the heal has
worked every disturbance counts, so that a slow onset and the heal's own disturbance are included. A platform
that never left the band recovered in zero seconds.

Disturbances that may be the load's own lateness count, since a limit must hold in spite of them; the recovery
time without them, which is certainly the platform's, is recorded beside it (``platform_share``).

Recovery cannot be seen without observations: a gap between samples is a disturbance, an event that never
reached the hot store is one without an end, and where samples stop too early the check is unjudged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from typing import Final

import numpy as np

from harness.history.course import FOREVER_NS, FaultSpan, steady_span
from harness.history.reader import History
from harness.judge.measure.check import DistributionCheck
from harness.judge.measure.measurement import NOTHING, Distribution, Measurement, Numbers, Unjudged
from harness.judge.measure.protocol import UnderLoad
from harness.judge.measure.signals import GAP_NS, SECOND_NS, Signal, disagreement, sampled_until_ns

HOLD_NS: Final = 5 * SECOND_NS
_OF_HOT_STORE: Final = frozenset({"sought", "seen", "plan"})
_BAND_FACTOR: Final = 1.25
_BAND_ALLOWANCE_S: Final = 1.0
_BAND_MOST_S: Final = 30.0
_BAND_CHECKPOINTS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Disturbances:
    """The intervals in which some signal was out of its band, ordered by start."""

    from_ns: Numbers
    to_ns: Numbers
    """FOREVER_NS where no end was seen."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Observed:
    """The disturbances as seen, and those that are certainly the platform's."""

    seen: _Disturbances
    of_platform: _Disturbances


class RecoveryTime(DistributionCheck):
    """One value per fault; infinite where the platform had not recovered when the run ended."""

    name = "recovery_time"
    describes = "from a fault's injection until sending, stream job and hot store are steady again"
    unit = "s"
    phases: Set[str] = frozenset({"fault"})
    needs: Set[str] = frozenset({"samples", "operations", "phases", "faults", "run"})
    under_load = UnderLoad.COURSE

    def __init__(self, signals: Callable[[History], tuple[Signal, ...]]) -> None:
        """``signals`` derives the signals of the deployed layers."""
        self._signals = signals

    def measure(self, history: History) -> Measurement:
        """The recovery time of each fault that was injected."""
        # Only runs with a hot store have these tables, so they are not in ``needs``.
        if damaged := sorted(_OF_HOT_STORE & history.damaged):
            return Unjudged(reason=f"a part of {', '.join(damaged)} cannot be read")
        return recoveries(history, self._signals(history), since_ns=lambda fault: fault.inject_ns)


def recoveries(
    history: History, seen: tuple[Signal, ...], *, since_ns: Callable[[FaultSpan], int]
) -> Measurement:
    """The seconds from a moment of each fault (``since_ns``) until all signals were back in their bands."""
    if not history.faults:
        return Unjudged(reason="no fault was injected") if history.scenario.faults else NOTHING
    steady = steady_span(history.phases, history.faults)
    if steady is None:
        return Unjudged(reason="no steady phase before the first fault to compare with")
    before = {s.name: s.before(steady.from_ns, steady.to_ns) for s in seen}
    limits_s = {name: _limit_s(delays_s) for name, delays_s in before.items() if len(delays_s)}
    if why := _why_unjudged(history, seen, before, limits_s):
        return Unjudged(reason=why)
    observed = _Observed(
        seen=_disturbances([(s, s.delay_s > limits_s[s.name]) for s in seen]),
        of_platform=_disturbances([(s, s.platform_s > limits_s[s.name]) for s in seen]),
    )
    return _recoveries(history, observed, _sampling_end_ns(seen), since_ns)


def _why_unjudged(
    history: History, seen: tuple[Signal, ...], before: Mapping[str, Numbers], limits_s: Mapping[str, float]
) -> str:
    """Why there are no steady bands, or no valid samples to compare with them; "" where there are both."""
    if clocks := disagreement(seen):
        return clocks
    if unseen := [name for name, delays_s in before.items() if not len(delays_s)]:
        return f"nothing was seen in the steady phase of: {', '.join(unseen)}"
    if why := _why_not_steady(limits_s, most_s=_band_most_s(history)):
        return f"not steady before the first fault: {why}"
    return next((signal.doubt for signal in seen if signal.doubt), "")


def _band_most_s(history: History) -> float:
    return _BAND_MOST_S + _BAND_CHECKPOINTS * history.scenario.pipeline.stream.checkpoint_interval_s


def _why_not_steady(limits_s: Mapping[str, float], *, most_s: float) -> str:
    """The signals that were too far behind to define a band, and by how much; "" when there are none."""
    return ", ".join(
        f"{name} ({(limit_s - _BAND_ALLOWANCE_S) / _BAND_FACTOR:,.1f} s behind)"
        if np.isfinite(limit_s)
        else name
        for name, limit_s in limits_s.items()
        if not limit_s <= most_s
    )


def _limit_s(delays_s: Numbers) -> float:
    return float(delays_s.max()) * _BAND_FACTOR + _BAND_ALLOWANCE_S


def _sampling_end_ns(seen: tuple[Signal, ...]) -> int:
    """The last moment up to which every sampled signal was sampled; sending alone needs no samples."""
    return min((int(signal.from_ns[-1]) for signal in seen if signal.sampled), default=FOREVER_NS)


def _disturbances(disturbed: list[tuple[Signal, Numbers]]) -> _Disturbances:
    """The disturbances of signals, each given with a mask of its intervals out of the band."""
    from_ns: list[Numbers] = []
    to_ns: list[Numbers] = []
    for signal, out in disturbed:
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
    observed: _Observed,
    sampling_end_ns: int,
    since_ns: Callable[[FaultSpan], int],
) -> Measurement:
    faults = sorted(history.faults, key=lambda fault: fault.inject_ns)
    following_ns = [*(fault.inject_ns for fault in faults[1:]), FOREVER_NS]
    pairs = list(zip(faults, following_ns, strict=True))
    ends_ns = [_recovered_ns(fault, following, observed.seen) for fault, following in pairs]
    of_platform_ns = [_recovered_ns(fault, following, observed.of_platform) for fault, following in pairs]
    unsampled = [
        fault.title
        for fault, following, end in zip(faults, following_ns, ends_ns, strict=True)
        if sampling_end_ns + GAP_NS
        < min(max(_counts_until_ns(fault, following), end + HOLD_NS), sampled_until_ns(history))
    ]
    if unsampled:
        return Unjudged(
            reason=f"samples stop before the recovery could be measured from: {', '.join(unsampled)}"
        )
    took_s = [_took_s(since_ns(fault), end) for fault, end in zip(faults, ends_ns, strict=True)]
    share_s = [_took_s(since_ns(fault), end) for fault, end in zip(faults, of_platform_ns, strict=True)]
    never = [fault.title for fault, s in zip(faults, took_s, strict=True) if s == float("inf")]
    if never and not history.complete:
        return Unjudged(reason=f"the run ended before the platform recovered from: {', '.join(never)}")
    return Distribution(
        values=np.array(took_s),
        # Regardless of when the phase was recorded: a fault's consequences belong to no other phase.
        phases=np.full(len(faults), "fault"),
        weights=np.ones(len(faults), dtype=np.int64),
        examples=tuple(_example(f, s) for f, s in zip(faults, took_s, strict=True)),
        platform_share=np.array(share_s),
    )


def _took_s(since_ns: int, end_ns: int) -> float:
    return float("inf") if end_ns >= FOREVER_NS else max(0.0, (end_ns - since_ns) / SECOND_NS)


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
    """The moment until which every disturbance is the fault's, after however long a steady period."""
    healed_ns = next_fault_ns if fault.heal_ns is None else fault.heal_ns
    return min(healed_ns + HOLD_NS, next_fault_ns)


def _example(fault: FaultSpan, took_s: float) -> str:
    return f"{fault.title}: " + ("never" if took_s == float("inf") else f"{took_s:.1f} s")
