"""The signals by which a platform is steady or disturbed: how far behind it is, in seconds.

Each is a series of intervals with the delay that was seen in it. Delays in seconds stay comparable while the
rate of the traffic changes, which lags in events do not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from harness.checks.freshness import event_ages
from harness.checks.measurement import Numbers
from harness.history.reader import History

SECOND_NS: Final = 1_000_000_000

_RESPONSES: Final = """
SELECT min(intended_ns) AS from_ns, max(completed_ns) AS to_ns,
       max(CASE WHEN outcome = 'ok' THEN (completed_ns - intended_ns) / 1e9 ELSE 'inf'::DOUBLE END) AS delay_s
FROM operations WHERE kind = 'produce' AND count > 0
GROUP BY intended_ns // 1_000_000_000 ORDER BY 1
"""
_SAMPLES: Final = """
SELECT at_ns, sum(value) AS value FROM samples WHERE metric = $metric GROUP BY at_ns ORDER BY at_ns
"""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Signal:
    """One way of being behind; the arrays are of equal length and in the order of time."""

    name: str
    sampled: bool
    """Whether it was looked at every second, so that its last value says how the run left it."""
    from_ns: Numbers
    to_ns: Numbers
    delay_s: Numbers
    """Infinite where something never came, or where the job did not run."""

    def within(self, from_ns: int, to_ns: int) -> Numbers:
        """The delays of the intervals that begin in [from_ns, to_ns)."""
        delays: Numbers = self.delay_s[(self.from_ns >= from_ns) & (self.from_ns < to_ns)]
        return delays


def signals(history: History) -> tuple[Signal, ...]:
    """Of sending and of the stream job, empty where nothing was seen; of the hot store if it was probed."""
    return tuple(s for s in _signals(history) if len(s.from_ns) or s.name != "hot store")


def _signals(history: History) -> Iterator[Signal]:
    sent = history.columns(_RESPONSES)
    yield Signal(
        name="sending",
        sampled=False,
        from_ns=sent["from_ns"],
        to_ns=sent["to_ns"],
        delay_s=sent["delay_s"].astype(np.float64),
    )
    yield stream_delay(history)
    running = history.columns(_SAMPLES, {"metric": "job_running"})
    yield _sampled("stream job running", running["at_ns"], np.where(running["value"] >= 1, 0.0, np.inf))
    ages = event_ages(history)
    ages_s = ages["value"] / 1e3
    order = np.argsort(ages["at_ns"], kind="stable")
    yield Signal(
        name="hot store",
        sampled=False,
        from_ns=ages["at_ns"][order],
        to_ns=(ages["at_ns"] + ages_s * SECOND_NS).astype(np.int64)[order],
        delay_s=ages_s[order],
    )


def stream_delay(history: History) -> Signal:
    """How long the oldest event that the stream job has not committed yet has been in the source topic."""
    ends = history.columns(_SAMPLES, {"metric": "source_end_offset"})
    lags = history.columns(_SAMPLES, {"metric": "stream_lag_events"})
    if not len(ends["at_ns"]):
        return _sampled("stream job", ends["at_ns"], ends["value"].astype(np.float64))
    at_ns = lags["at_ns"]
    end = np.maximum.accumulate(ends["value"])
    committed = np.interp(at_ns, ends["at_ns"], end) - lags["value"]
    return _sampled("stream job", at_ns, _ages_s(at_ns, committed, ends["at_ns"], end))


def _ages_s(at_ns: Numbers, committed: Numbers, end_at_ns: Numbers, end: Numbers) -> Numbers:
    """Seconds since the topic's end first passed each committed position; 0 where it has not yet."""
    after = np.searchsorted(end, committed, side="right")
    passed = after < len(end)
    after = np.minimum(after, len(end) - 1)
    before = np.maximum(after - 1, 0)
    grown = np.maximum(end[after] - end[before], 1.0)
    share = np.clip((committed - end[before]) / grown, 0.0, 1.0)
    passed_at_ns = end_at_ns[before] + share * (end_at_ns[after] - end_at_ns[before])
    ages_s: Numbers = np.where(passed, np.maximum(at_ns - passed_at_ns, 0.0) / SECOND_NS, 0.0)
    return ages_s


def _sampled(name: str, at_ns: Numbers, delay_s: Numbers) -> Signal:
    """A sample stands for the time until the next one."""
    to_ns = np.append(at_ns[1:], at_ns[-1:] + SECOND_NS)
    return Signal(name=name, sampled=True, from_ns=at_ns, to_ns=to_ns, delay_s=delay_s)
