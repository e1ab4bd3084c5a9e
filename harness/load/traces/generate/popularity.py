"""Which entity: Zipf's law over a finite number of ranks, drawn by inverting its distribution function.

Exact, unlike the rejection method for an unbounded number of ranks, of which ``numpy.random.Generator.zipf``
is one (Devroye, Non-Uniform Random Variate Generation, 1986, chapters III.2 and X.6).
"""

from __future__ import annotations

from typing import Any

import numpy as np


class ZipfRanks:
    """Ranks 0 to ``count - 1``, of which rank k is drawn with a probability proportional to 1 / (k + 1)^s."""

    def __init__(self, count: int, exponent: float) -> None:
        weights = np.arange(1, count + 1, dtype=np.float64) ** -exponent
        cumulated = np.cumsum(weights)
        self._until: np.ndarray[Any, Any] = cumulated / cumulated[-1]

    def drawn(self, uniform: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """The rank for each number of [0, 1)."""
        ranks: np.ndarray[Any, Any] = np.searchsorted(self._until, uniform, side="right")
        return ranks
