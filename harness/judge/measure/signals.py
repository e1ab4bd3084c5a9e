"""Signals that tell a steady platform from a disturbed one: how far behind it is, in seconds.

Each signal is a series of intervals with the delay observed in each. Delays in seconds stay comparable while
the traffic rate changes; lags in events do not.

Sending and the hot store count from the intended send, so the load's own lateness is part of their delays.
The remainder is certainly the platform's.

A platform that cannot be sampled counts as disturbed: the delay in a gap between samples is infinite, and is
not part of what was observed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from harness.history.reader import History
from harness.judge.measure.measurement import Numbers
from harness.judge.measure.offered import TABLE, derive_own_lateness

SECOND_NS: Final = 1_000_000_000
GAP_NS: Final = 3_500_000_000
"""Samples further apart than this leave a gap. They are a second apart, and a read that ran into its time-out
of two seconds makes that three (up to 3.12 s in recorded runs). Reads that fail one after the other, as when
brokers were killed or paused (4 to 11 s), leave that time unknown."""
_SAMPLE_NS: Final = SECOND_NS
_ACKNOWLEDGED_WITHIN_S: Final = 5.0

_RESPONSES: Final = """
SELECT min(intended_ns) AS from_ns, max(completed_ns) AS to_ns,
       CASE WHEN min(completed_ns - intended_ns) < 0 THEN 'nan'::DOUBLE
            ELSE max(CASE WHEN outcome = 'ok' THEN (completed_ns - intended_ns) / 1e9 ELSE 'inf'::DOUBLE END)
       END AS delay_s
FROM operations WHERE kind = 'produce' AND count > 0
GROUP BY intended_ns // 1_000_000_000 ORDER BY 1
"""
# A sample covers all that was due since its worst lateness began.
_OWN_LATENESS: Final = """
SELECT unnest(range((at_ns - (own_ms * 1e6)::BIGINT) // 1_000_000_000, at_ns // 1_000_000_000 + 1)) AS second,
       max(own_ms) / 1e3 AS late_s
FROM own_lateness GROUP BY second ORDER BY second
"""
_DRAINED: Final = "SELECT max(at_ns) FROM samples WHERE list_contains($metrics, metric)"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Signal:
    """One measure of delay; the arrays have equal length and are in order of time."""

    name: str
    sampled: bool
    """Whether it was sampled every second, so that its last value is the state at the end of the run."""
    from_ns: Numbers
    to_ns: Numbers
    delay_s: Numbers
    """Infinite where something never came, where the job did not run, and in gaps. NaN where something ended
    before it began."""
    platform_s: Numbers
    """The part of each delay that is certainly the platform's."""
    gap: Numbers
    """Whether the interval lies in a gap between samples."""
    steady_limit_s: float = float("inf")
    """The largest delay of a steady platform, where it is checked while the load flows."""
    doubt: str = ""
    """Why the signal cannot be judged; "" if it can."""

    def within(self, from_ns: int, to_ns: int, *, of_platform: bool = False) -> Numbers:
        """Return the delays, or the platform's shares, of the intervals that begin in [from_ns, to_ns)."""
        values = self.platform_s if of_platform else self.delay_s
        delays: Numbers = values[~self.gap & (self.from_ns >= from_ns) & (self.from_ns < to_ns)]
        return delays

    def before(self, from_ns: int, to_ns: int) -> Numbers:
        """Return ``within`` less the intervals still open at the end, which a fault may have slowed.

        Otherwise an outage would widen the band by which it is judged.
        """
        under_way = (self.to_ns > to_ns) & (not self.sampled)
        inside = (self.from_ns >= from_ns) & (self.from_ns < to_ns)
        delays: Numbers = self.delay_s[~self.gap & ~under_way & inside]
        return delays

    @property
    def impossible(self) -> bool:
        """Whether anything ended before it began, so that its delays are invalid."""
        return bool((np.isnan(self.delay_s) | (self.delay_s < 0)).any())

    def covers(self, from_ns: int, to_ns: int) -> bool:
        """Whether samples cover [from_ns, to_ns] without gaps, including both ends."""
        seen_ns = np.clip(self.from_ns[~self.gap], from_ns, to_ns)
        return bool(np.diff(np.concatenate([[from_ns], seen_ns, [to_ns]])).max() <= GAP_NS)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalSource:
    """How a signal is derived from a history."""

    derive: Callable[[History], Signal]
    while_it_flows: bool = True
    """Whether it can be derived from a run still under way, to judge its steady state."""


def disagreement(seen: Sequence[Signal]) -> str:
    """Report the signals for which clocks disagree; "" if none."""
    wrong = [signal.name for signal in seen if signal.impossible]
    return f"clocks disagree about: {', '.join(wrong)}" if wrong else ""


def sending(history: History) -> Signal:
    """The load's own delay, from the intended send of an event to its acknowledgement."""
    sent = history.columns(_RESPONSES)
    delay_s = sent["delay_s"].astype(np.float64)
    return Signal(
        name="sending",
        sampled=False,
        from_ns=sent["from_ns"],
        to_ns=sent["to_ns"],
        delay_s=delay_s,
        platform_s=without_own(history, sent["from_ns"], delay_s),
        gap=np.zeros(len(sent["from_ns"]), dtype=bool),
        steady_limit_s=_ACKNOWLEDGED_WITHIN_S,
    )


def without_own(history: History, from_ns: Numbers, delay_s: Numbers) -> Numbers:
    """Return the delays less the load's own lateness in the second in which each began.

    A load without samples may have caused all of the delay. What never came is the platform's.
    """
    if TABLE in history.missing | history.damaged:
        return np.where(np.isinf(delay_s), delay_s, 0.0)
    derive_own_lateness(history)
    own = history.columns(_OWN_LATENESS)
    if not len(own["second"]):
        return np.where(np.isinf(delay_s), delay_s, 0.0)
    at = np.minimum(np.searchsorted(own["second"], from_ns // SECOND_NS), len(own["second"]) - 1)
    late_s = np.where(own["second"][at] == from_ns // SECOND_NS, own["late_s"][at], 0.0)
    left_s: Numbers = np.maximum(delay_s - late_s, 0.0)
    return left_s


def sampled_until_ns(history: History) -> int:
    """Return until when samples are expected: the end of the drain, or as far as the run came."""
    drained_ns = history.value(_DRAINED, {"metrics": ["drain_complete", "undrained_events"]})
    return int(history.phases[-1].from_ns if drained_ns is None else drained_ns)


def last_sample_ns(history: History) -> int:
    """Return when the last sample of any metric was taken; 0 if there is none."""
    return int(history.value("SELECT coalesce(max(at_ns), 0) FROM samples"))


def sampled(name: str, at_ns: Numbers, delay_s: Numbers, *, steady_limit_s: float) -> Signal:
    """Build a signal in which a sample covers the time until the next; before a gap, one second."""
    following_ns = np.append(at_ns[1:], at_ns[-1:] + _SAMPLE_NS)
    last = following_ns - at_ns > GAP_NS
    to_ns = np.where(last, at_ns + _SAMPLE_NS, following_ns)
    gaps = np.flatnonzero(last) + 1
    delay_s = np.insert(delay_s, gaps, np.inf)
    return Signal(
        name=name,
        sampled=True,
        from_ns=np.insert(at_ns, gaps, to_ns[last]),
        to_ns=np.insert(to_ns, gaps, following_ns[last]),
        delay_s=delay_s,
        platform_s=delay_s,
        gap=np.insert(np.zeros(len(at_ns), dtype=bool), gaps, True),
        steady_limit_s=steady_limit_s,
    )
