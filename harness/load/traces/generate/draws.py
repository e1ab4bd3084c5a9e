"""Draws entities by popularity, and assigns events to sessions."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

_GAP_EVENTS: Final = 16.0
"""Mean number of other events between two events of a session, where there is room."""


class ZipfRanks:
    """Ranks 0 to ``count - 1``; rank k is drawn with a probability proportional to 1 / (k + 1)^s (Zipf).

    It inverts the distribution function of a finite number of ranks, which is exact, unlike rejection methods
    for unboundedly many ranks, such as ``numpy.random.Generator.zipf`` (Devroye, Non-Uniform Random Variate
    Generation, 1986, chapters III.2 and X.6).
    """

    def __init__(self, count: int, exponent: float) -> None:
        weights = np.arange(1, count + 1, dtype=np.float64) ** -exponent
        cumulated = np.cumsum(weights)
        self._until: np.ndarray[Any, Any] = cumulated / cumulated[-1]

    def drawn(self, uniform: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """The rank for each number of [0, 1)."""
        ranks: np.ndarray[Any, Any] = np.searchsorted(self._until, uniform, side="right")
        return ranks


def session_of_events(
    random: np.random.Generator, *, events: int, mean_length: float
) -> np.ndarray[Any, Any]:
    """Return the number of each event's session, from 0, in the order of the events.

    A session's events are close together, interleaved with those of other sessions. Lengths are geometrically
    distributed, except that the last session is cut off at the last event. Sessions begin at uniformly random
    places; each has its own, exponentially distributed gap between events.
    """
    lengths = random.geometric(1.0 / mean_length, size=events)
    ends = np.cumsum(lengths)
    count = int(np.searchsorted(ends, events)) + 1
    sessions = np.repeat(np.arange(count), lengths[:count])[:events]
    place_in_session = np.arange(events) - (ends - lengths)[sessions]
    begins = random.random(count) * events
    gaps = random.exponential(_GAP_EVENTS, size=count)
    order = np.argsort(begins[sessions] + place_in_session * gaps[sessions], kind="stable")
    in_order: np.ndarray[Any, Any] = sessions[order]
    return in_order
