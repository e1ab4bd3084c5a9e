"""How late the load's own processes were, and whether a latency may be what it is because of that.

Latencies of the load count from the intended moment, so what the generator was late is part of them. Of a
platform that serves in order it follows: had the load been on time, nothing would have ended later than it
did. So a limit that was kept was kept in spite of the generator, as long as it was late by less than the
limit; later than that, it offered another load than the one asked for. A limit that was broken was broken by
the platform only if the generator's share is small: at most a tenth of what was observed, and not what made
the difference. Its share is the same aggregate of its own lateness in the same phases, each sample the worst
of half a second: so a limit on p(95) does not mind the worst twentieth of the samples, and one on max minds
every one. That share is an upper bound, since most events of a sample were less late than its worst.

A rate that was missed is the platform's only if the load had more to give: none of its processes used a
whole processor for most of the time, nor was late through its own fault for more than a tenth of it. A rate
that was kept stands.

The hot store's latencies, of writes and of reads, count from moments that are not the load's, so its lateness
is no part of them; a machine that the load shares with the engines slows both, which is the limit's to allow.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from typing import Final

import numpy as np

from harness.checks import timing
from harness.checks.aggregates import observe
from harness.checks.measurement import Distribution, Measurement, Numbers
from harness.checks.protocol import DISTRIBUTION
from harness.checks.timing import by_phase
from harness.history.reader import History
from harness.scenario.thresholds import Threshold

FROM_INTENDED_SEND: Final = frozenset({"produce_latency", "freshness_windows", "freshness_hot"})
"""The checks whose latencies count from the moment at which the load was to send."""
_ACKNOWLEDGED_RATE: Final = "throughput"
TABLE: Final = "generator"
_NEEDS: Final = timing.NEEDS | {TABLE, "run"}
_SHARE: Final = 0.1
"""Of what was observed: so much of it may be the generator's own without its being to blame."""
_UPPER: Final = ("<", "<=")
_LOWER: Final = (">", ">=")
_BUSY_SHARE: Final = 0.9
"""Of a processor: a process that uses so much has none left."""
_MOST: Final = 0.5
_UNRECORDED: Final = "it is not recorded whether the load itself was on time"
_SAMPLE_MS: Final = 500.0
"""What a sample of weight 1 tells of: no process is late for longer in it."""

_SAMPLES: Final = """
WITH own AS (
    SELECT worker, cpu_share, at_ns,
           at_ns - lag(at_ns, 1, at_ns) OVER (PARTITION BY worker ORDER BY at_ns) AS gap_ns,
           CASE WHEN cpu_share >= 0.9 THEN greatest(late_ms, blocked_ms) ELSE late_ms END AS value
    FROM generator
)
SELECT worker, cpu_share, value, greatest(at_ns - (value * 1e6)::BIGINT, load_start_ns) AS at_ns,
       greatest(1, round(gap_ns / 500e6))::BIGINT AS weight
FROM own, run WHERE at_ns >= load_start_ns
"""
"""A process that uses a whole processor is slow to take answers, too: what it calls back-pressure may be its
own. A sample belongs to the moment at which its worst lateness began, and counts for every half second since
the one before it: a process that stood still took none."""


class GeneratorKeptUp:
    """One value a sample; samples of the time before the load began do not count."""

    name = "generator_kept_up"
    describes = "how late the load's own processes were through no fault of the platform, each half second"
    unit = "ms"
    aggregates: Set[str] = DISTRIBUTION
    default_thresholds: tuple[str, ...] = ()
    needs: Set[str] = _NEEDS

    def measure(self, history: History) -> Measurement:
        """The generator's own lateness."""
        return by_phase(history, history.columns(_SAMPLES), nothing="the load took no sample of itself")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OwnLateness:
    """The generator's own lateness with the worker of each sample; None where a run does not tell it."""

    samples: Distribution | None
    workers: Numbers
    cpu_shares: Numbers
    """Of one processor, by sample."""

    def doubt(self, check: str, limit: Threshold, observed: float) -> str:
        """Why an observation held against a check's limit says nothing of the platform; "" when it does."""
        if limit.is_count:
            return ""
        during = f" in {','.join(limit.phases)}" if limit.phases else ""
        if check in FROM_INTENDED_SEND:
            return self._doubt_of_latency(limit, limit.limit, observed, during)
        if check == _ACKNOWLEDGED_RATE and limit.operator in _LOWER and not limit.holds(observed):
            return self._doubt_of_rate(limit, during)
        return ""

    def _doubt_of_latency(self, limit: Threshold, limit_ms: float, observed: float, during: str) -> str:
        samples = self.samples
        own_ms = None if samples is None else observe(samples, limit)
        if samples is None or own_ms is None:
            return _UNRECORDED + during
        kept = limit.holds(observed)
        if kept and limit.operator in _UPPER:
            clear = own_ms < limit_ms
        else:
            clear = own_ms <= _SHARE * observed and limit.holds(observed - own_ms) == kept
        return "" if clear else self._blame(samples, limit, own_ms) + during

    def _doubt_of_rate(self, limit: Threshold, during: str) -> str:
        samples = self.samples
        if samples is None:
            return _UNRECORDED + during
        inside = np.isin(samples.phases, limit.phases or samples.phases)
        for worker in np.unique(self.workers[inside]):
            own = inside & (self.workers == worker)
            halves = samples.weights[own]
            busy = halves[self.cpu_shares[own] >= _BUSY_SHARE].sum() / halves.sum()
            late = np.minimum(samples.values[own] / _SAMPLE_MS, halves).sum() / halves.sum()
            if busy > _MOST:
                return _offered_less(worker, f"used a whole processor for {busy:.0%}", during)
            if late > _SHARE:
                return _offered_less(worker, f"was late through its own fault for {late:.0%}", during)
        return "" if inside.any() else _UNRECORDED + during

    def _blame(self, samples: Distribution, limit: Threshold, own_ms: float) -> str:
        phases = limit.phases or tuple(set(samples.phases.tolist()))
        inside, workers = samples.during(phases), self.workers[np.isin(samples.phases, phases)]
        worst = int(inside.values.argmax())
        late = float(inside.weights[inside.values >= own_ms].sum()) / inside.count
        return (
            f"the load itself was late, and the platform cannot be blamed for it: {limit.aggregate} of its"
            f" own lateness is {own_ms:,.0f} ms ({late:.1%} of the time reaches that), the worst being"
            f" {inside.values[worst]:,.0f} ms of {workers[worst]}"
        )


def _offered_less(worker: str, what: str, during: str) -> str:
    blame = "the platform cannot be blamed for what it was not offered"
    return f"{worker} of the load {what} of the time{during}: {blame}"


UNTOLD: Final = OwnLateness(samples=None, workers=np.array([]), cpu_shares=np.array([]))
"""Of a run that says nothing of its load."""


def own_lateness(history: History) -> OwnLateness:
    """What the run tells of the generator; of a table that is damaged, nothing."""
    if _NEEDS & (history.missing | history.damaged):
        return UNTOLD
    columns = history.columns(_SAMPLES)
    samples = by_phase(history, columns, nothing="")
    return OwnLateness(
        samples=samples if isinstance(samples, Distribution) else None,
        workers=columns["worker"],
        cpu_shares=columns["cpu_share"],
    )
