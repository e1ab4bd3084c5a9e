"""Arrival times of a profile's events, computed as columns."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from harness.scenario.profiles.curve import Curve
from harness.scenario.profiles.protocol import Arrivals

Numbers = np.ndarray[Any, np.dtype[np.float64]]

_PURPOSE: Final = 0x61727276
"""Separates these draws from others with the same seed."""
_UNIT: Final = 2.0**-53


def arrivals_s(curve: Curve, arrivals: Arrivals, *, seed: int) -> Numbers:
    """The sorted arrival times of the curve's events, in seconds since the start of the load.

    ``even``: event k arrives when the integral of the rate reaches k + 0.5. ``poisson``: a Poisson process
    with the curve as its rate and as many events. Given their number, the arrivals of such a process are
    independent draws from the density rate / integral, sorted (Cox and Lewis, "The Statistical Analysis of
    Series of Events", 1966; Lewis and Shedler, "Simulation of nonhomogeneous Poisson processes by thinning",
    Naval Research Logistics Quarterly 26, 1979).
    """
    return reached_s(curve, _even(curve) if arrivals == "even" else _drawn(curve, seed))


def _even(curve: Curve) -> Numbers:
    return np.arange(curve.events, dtype=np.float64) + 0.5


def _drawn(curve: Curve, seed: int) -> Numbers:
    """Sorted draws, from raw bits: only these are the same in every version of NumPy."""
    bits = np.random.PCG64([seed, _PURPOSE]).random_raw(curve.events)
    shares = ((bits >> np.uint64(11)).astype(np.float64) + 0.5) * _UNIT
    shares.sort()
    return shares * curve.area


def reached_s(curve: Curve, events: Numbers) -> Numbers:
    """``Curve.reached_s`` for a sorted array."""
    edges = [*np.searchsorted(events, curve.before).tolist(), len(events)]
    at_s = np.empty_like(events)
    for number, piece in enumerate(curve.pieces):
        own = slice(edges[number], edges[number + 1])
        after_s = piece.after_s(events[own] - curve.before[number])
        at_s[own] = piece.from_s + np.minimum(after_s, piece.length_s)
    return at_s
