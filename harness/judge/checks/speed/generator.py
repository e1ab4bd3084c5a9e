"""How late the load's own processes were, and whether a limit still applies to the platform.

Latencies of the load count from the intended moment, so the generator's lateness is part of them. For a
platform that serves in order: had the load been on time, nothing would have ended later than it did, nor
sooner by more than the generator's lateness. So the platform broke a limit if the limit is still broken after
subtracting the worst own lateness in the same phases: with 143 ms against a limit of 50 ms and a load up to
39.5 ms late, at least 103.5 ms are the platform's. If the limit would then be met, it is not judged. A limit
that was met stands, provided that the generator was late by less than the limit; otherwise it offered a
different load. Its lateness here is the same aggregate in the same phases, each sample being the worst of
half a second: a limit on p(95) ignores the worst twentieth of the samples, one on max ignores none.

A missed rate is the platform's only if the load had more to give: no process used a whole processor for most
of the time, or was late through its own fault for more than a tenth of it. A rate that was met stands.

The hot store's write and read latencies do not count from the load's moments, so its lateness is no part of
them; that the load and the engines share a machine slows both, and the limit must allow for it. Under less
load than requested, none of these can be judged, nor can recovery or catch-up times: see
harness/judge/measure/offered.py. What describes the load alone is never the platform's fault, except events
handed over late because the client was held up.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from typing import Final

import numpy as np

from harness.history.reader import History
from harness.judge.measure import timing
from harness.judge.measure.aggregates import observe
from harness.judge.measure.check import DistributionCheck
from harness.judge.measure.measurement import Distribution, Measurement, Numbers
from harness.judge.measure.offered import (
    NOT_RECORDED,
    TABLE,
    UNRECORDED,
    OfferedLoad,
    derive_own_lateness,
    offered_load,
)
from harness.judge.measure.protocol import UnderLoad
from harness.judge.measure.timing import by_phase
from harness.scenario.thresholds import Threshold

_NEEDS: Final = timing.NEEDS | {TABLE, "run"}
_UPPER: Final = ("<", "<=")
_LOWER: Final = (">", ">=")
_BUSY_SHARE: Final = 0.9
"""The share of a processor above which a process has no capacity left."""
_MOST: Final = 0.5
_COURSE: Final = ("fault", "recovery")
_LATE_SHARE: Final = 0.1
"""The share of time late through its own fault above which a process had no more to give."""
_EQUALITY: Final = ("==", "!=")
_SAMPLE_MS: Final = 500.0
"""The time that a sample of weight 1 covers; no process is late for longer in it."""

_SAMPLES: Final = """
SELECT worker, cpu_share, own_ms AS value, greatest(at_ns - (own_ms * 1e6)::BIGINT, load_start_ns) AS at_ns,
       at_ns AS until_ns, greatest(1, round(gap_ns / 500e6))::BIGINT AS weight
FROM own_lateness, run WHERE at_ns >= load_start_ns
"""
"""A sample belongs to the moment at which its worst lateness began, and counts for every half second since
the one before it: a process that stood still took none."""


class GeneratorKeptUp(DistributionCheck):
    """One value per sample; samples from before the load began do not count."""

    name = "generator_kept_up"
    describes = "how late the load's own processes were through no fault of the platform, each half second"
    unit = "ms"
    needs: Set[str] = _NEEDS
    under_load = UnderLoad.LOADS_OWN

    def measure(self, history: History) -> Measurement:
        """The generator's own lateness."""
        derive_own_lateness(history)
        return by_phase(history, history.columns(_SAMPLES), nothing="the load did not sample itself")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OwnLateness:
    """The generator's own lateness, with the worker of each sample; None if not recorded."""

    samples: Distribution | None
    workers: Numbers
    cpu_shares: Numbers
    """Share of one processor, by sample."""
    from_ns: Numbers
    until_ns: Numbers
    """The lateness of each sample lies between ``from_ns`` and ``until_ns``."""
    spans: tuple[tuple[str, int, int], ...]
    """The phases with their start and end."""
    offered: OfferedLoad

    def doubt(self, under_load: UnderLoad, limit: Threshold, measured: Distribution, observed: float) -> str:
        """Return why an observation cannot be judged as the platform's; "" if it can."""
        if limit.is_count:
            return ""
        kept = limit.holds(observed)
        match under_load:
            case UnderLoad.FROM_INTENDED:
                doubt = self._doubt_of_latency(limit, limit.limit, observed)
                return doubt or (self.offered.short(limit.phases) if kept else "")
            case UnderLoad.RATE:
                return self._doubt_of_rate(limit, kept=kept)
            case UnderLoad.PRESSURE:
                return self.offered.short(limit.phases) if kept else ""
            case UnderLoad.COURSE:
                return self._doubt_of_course(limit, measured, kept=kept)
            case UnderLoad.LOADS_OWN:
                return "" if kept else "the load itself missed this limit, not the platform"

    def _doubt_of_latency(self, limit: Threshold, limit_ms: float, observed: float) -> str:
        samples, during = self.samples, _during(limit)
        own_ms = None if samples is None else observe(samples, limit)
        if samples is None or own_ms is None:
            return UNRECORDED + during
        kept, worst = limit.holds(observed), self._worst(samples, limit)
        if kept and limit.operator in _UPPER:
            clear = own_ms < limit_ms
        else:
            left = observed - samples.values[worst]
            between = limit.operator in _EQUALITY and left < limit_ms < observed
            clear = limit.holds(left) == kept and not between
        return "" if clear else self._blame(samples, limit, own_ms, worst) + during

    def _worst(self, samples: Distribution, limit: Threshold) -> int:
        """Return the index of the worst sample that overlaps the limit's phases."""
        inside = np.isin(samples.phases, limit.phases or samples.phases)
        for name, begin_ns, end_ns in self.spans:
            if name in limit.phases:
                inside |= (self.from_ns < end_ns) & (self.until_ns >= begin_ns)
        return int(np.where(inside, samples.values, -1.0).argmax())

    def _doubt_of_rate(self, limit: Threshold, *, kept: bool) -> str:
        """A rate reached stands whatever was offered; a rate not exceeded may have lacked events."""
        if limit.operator in _UPPER:
            return self.offered.short(limit.phases) if kept else ""
        if kept and limit.operator in _LOWER:
            return ""
        return self._had_no_more_to_give(limit) or self.offered.short(limit.phases)

    def _had_no_more_to_give(self, limit: Threshold) -> str:
        samples, during = self.samples, _during(limit)
        if samples is None:
            return UNRECORDED + during
        inside = np.isin(samples.phases, limit.phases or samples.phases)
        for worker in np.unique(self.workers[inside]):
            own = inside & (self.workers == worker)
            halves = samples.weights[own]
            busy = halves[self.cpu_shares[own] >= _BUSY_SHARE].sum() / halves.sum()
            late = np.minimum(samples.values[own] / _SAMPLE_MS, halves).sum() / halves.sum()
            if busy > _MOST:
                return _offered_less(worker, f"used a whole processor for {busy:.0%}", during)
            if late > _LATE_SHARE:
                return _offered_less(worker, f"was late through its own fault for {late:.0%}", during)
        return "" if inside.any() else UNRECORDED + during

    def _doubt_of_course(self, limit: Threshold, measured: Distribution, *, kept: bool) -> str:
        left = observe(measured.of_platform, limit)
        # It begins with a fault and may last until the load ends, whichever phase its value bears.
        if kept or left is None:
            return self.offered.short(_COURSE)
        if limit.holds(left):
            samples = self.samples
            worker = "" if samples is None else f" ({self._named(samples, self._worst(samples, limit))})"
            return f"without the load's own lateness{worker} it would be {left:,.6g} {limit.unit}"
        return "" if np.isinf(left) else self.offered.short(_COURSE)

    def _blame(self, samples: Distribution, limit: Threshold, own_ms: float, worst: int) -> str:
        phases = limit.phases or tuple(set(samples.phases.tolist()))
        inside = samples.during(phases)
        late = float(inside.weights[inside.values >= own_ms].sum()) / inside.count
        return (
            f"the load itself was late, and the platform cannot be blamed for it: {limit.aggregate} of its"
            f" own lateness is {own_ms:,.0f} ms ({late:.1%} of the time at or above it), at worst"
            f" {self._named(samples, worst)}"
        )

    def _named(self, samples: Distribution, number: int) -> str:
        return f"{samples.values[number]:,.0f} ms of {self.workers[number]}"


def _during(limit: Threshold) -> str:
    return f" in {','.join(limit.phases)}" if limit.phases else ""


def _offered_less(worker: str, what: str, during: str) -> str:
    blame = "the platform cannot be blamed for what it was not offered"
    return f"{worker} of the load {what} of the time{during}: {blame}"


_NONE: Final = np.array([])
NO_SAMPLES: Final = OwnLateness(
    samples=None,
    workers=_NONE,
    cpu_shares=_NONE,
    from_ns=_NONE,
    until_ns=_NONE,
    spans=(),
    offered=NOT_RECORDED,
)
"""For a run that recorded nothing about its load."""


def own_lateness(history: History) -> OwnLateness:
    """Return what the run recorded of the generator; ``NO_SAMPLES`` if a table is missing or damaged."""
    if _NEEDS & (history.missing | history.damaged):
        return NO_SAMPLES
    derive_own_lateness(history)
    columns = history.columns(_SAMPLES)
    samples = by_phase(history, columns, nothing="")
    usable = isinstance(samples, Distribution) and not samples.impossible
    return OwnLateness(
        samples=samples if isinstance(samples, Distribution) and usable else None,
        workers=columns["worker"],
        cpu_shares=columns["cpu_share"],
        from_ns=columns["at_ns"],
        until_ns=columns["until_ns"],
        spans=tuple((span.phase, span.from_ns, span.to_ns) for span in history.phases),
        offered=offered_load(history),
    )
