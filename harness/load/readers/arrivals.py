"""When readers' requests arrive: a Poisson process by seed, whatever becomes of those before (open loop)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import Final

from harness.scenario.profiles.arrivals import arrivals_s
from harness.scenario.profiles.constant import Constant

_NS_PER_S: Final = 1_000_000_000
_APART: Final = 2**32
"""Added to the seed, which is smaller, so that readers do not arrive at the very moments of the events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One request that is to be made."""

    kind: str
    intended_ns: int
    """Since the run's epoch."""


def arrivals(
    *, rate_per_s: float, weights: Mapping[str, int], start_ns: int, duration_s: float, seed: int
) -> Iterator[Arrival]:
    """``rate_per_s * duration_s`` arrivals from ``start_ns`` on, in order, each of a kind by its weight."""
    rng = Random(f"{seed} kinds of requests")  # noqa: S311 -- a schedule, not a secret
    kinds, reach = list(weights), list(accumulate(weights.values()))
    curve = Constant(rate=rate_per_s).curve(duration_s)
    for at_s in arrivals_s(curve, "poisson", seed=seed + _APART).tolist():
        kind = kinds[bisect_right(reach, rng.random() * reach[-1])]
        yield Arrival(kind=kind, intended_ns=start_ns + round(at_s * _NS_PER_S))
