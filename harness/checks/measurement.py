"""What a check measured, before any limit is held against it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

Numbers = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many things are wrong in the whole run; it belongs to no phase."""

    value: int
    examples: tuple[str, ...] = ()
    detail: str = ""
    """One sentence: what was counted, among how many."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Distribution:
    """Values with the phase that each began in. An infinite value is a thing that never came."""

    values: Numbers
    phases: Numbers
    """Names of phases, one a value."""
    weights: Numbers
    """How many times each value counts: the events of a batch."""
    examples: tuple[str, ...] = ()
    detail: str = ""

    def during(self, phases: Collection[str]) -> Distribution:
        """Only the values that began in one of these phases."""
        kept = np.isin(self.phases, list(phases))
        return Distribution(
            values=self.values[kept],
            phases=self.phases[kept],
            weights=self.weights[kept],
            examples=self.examples,
            detail=self.detail,
        )

    @property
    def count(self) -> int:
        """How many values there are, by weight."""
        return int(self.weights.sum())

    def percentile(self, percent: float) -> float:
        """The smallest value that at least ``percent`` of all do not exceed: exact, never interpolated."""
        order = np.argsort(self.values, kind="stable")
        reached = np.cumsum(self.weights[order])
        rank = max(1.0, np.ceil(reached[-1] * percent / 100))
        return float(self.values[order][np.searchsorted(reached, rank)])

    @property
    def mean(self) -> float:
        """The weighted mean."""
        return float(np.average(self.values, weights=self.weights))

    @property
    def maximum(self) -> float:
        """The largest value."""
        return float(self.values.max())

    @property
    def minimum(self) -> float:
        """The smallest value."""
        return float(self.values.min())


NOTHING: Final = Distribution(
    values=np.array([]), phases=np.array([], dtype=np.str_), weights=np.array([], dtype=np.int64)
)
"""Of what a scenario has none of: it can be counted, and nothing else can be told of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unjudged:
    """Why the check could not measure; its findings are INCONCLUSIVE."""

    reason: str


Measurement = Count | Distribution | Unjudged
