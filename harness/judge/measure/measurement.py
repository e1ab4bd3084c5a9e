"""What a check measured, before it is compared with any limit."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Final

import numpy as np

Numbers = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many things are wrong in the whole run; not tied to a phase."""

    value: int
    examples: tuple[str, ...] = ()
    detail: str = ""
    """One sentence: what was counted, out of how many."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Distribution:
    """Values with the phase that each began in. An infinite value never came."""

    values: Numbers
    phases: Numbers
    """One phase name per value."""
    weights: Numbers
    """How many times each value counts: the events of a batch."""
    examples: tuple[str, ...] = ()
    detail: str = ""
    platform_share: Numbers | None = None
    """The part of each value that is certainly the platform's, where the load may have caused the rest."""

    def during(self, phases: Collection[str]) -> Distribution:
        """Return only the values that began in one of these phases."""
        kept = np.isin(self.phases, list(phases))
        share = self.platform_share
        return replace(
            self,
            values=self.values[kept],
            phases=self.phases[kept],
            weights=self.weights[kept],
            platform_share=None if share is None else share[kept],
        )

    @property
    def of_platform(self) -> Distribution:
        """The distribution of the platform's certain share."""
        return self if self.platform_share is None else replace(self, values=self.platform_share)

    @property
    def impossible(self) -> str:
        """Describe impossible values, negative or NaN; "" if there are none."""
        below, unknown = self.values < 0, np.isnan(self.values)
        count = len(self.values)
        if unknown.any():
            return f"{int(unknown.sum()):,} of {count:,} values are not numbers"
        if below.any():
            return f"{int(below.sum()):,} of {count:,} values are below zero, down to {self.minimum:,.6g}"
        return ""

    @property
    def count(self) -> int:
        """How many values there are, by weight."""
        return int(self.weights.sum())

    def percentile(self, percent: float) -> float:
        """The smallest value that at least ``percent`` of all do not exceed: exact, never interpolated."""
        order = np.argsort(self.values, kind="stable")
        reached = np.cumsum(self.weights[order])
        return float(self.values[order][np.searchsorted(reached, rank_of(percent, int(reached[-1])))])

    @property
    def mean(self) -> float:
        """The weighted mean, identical to the last digit for any order of the values."""
        return float(np.sort(self.values * self.weights).sum() / self.weights.sum())

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
"""A distribution without values; only its count is defined."""


def rank_of(percent: float, count: int) -> int:
    """Return the rank of a percentile among ``count`` values, from 1, always rounded up.

    Computed with the decimal as written, since float rounding may lift it to the next rank.
    """
    return max(1, math.ceil(count * Fraction(repr(percent)) / 100))


def least_count(percent: float) -> int:
    """Return the fewest values for which a percentile differs from the maximum or minimum."""
    share = Fraction(repr(percent)) / 100
    return math.ceil(1 / min(share, 1 - share)) if 0 < share < 1 else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Unjudged:
    """Why the check could not measure; its findings are INCONCLUSIVE."""

    reason: str


Measurement = Count | Distribution | Unjudged
