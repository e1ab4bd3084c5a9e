"""A staircase: one rate after the other, each for the same time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from harness.base.units import Rate
from harness.scenario.profiles.curve import Curve, Piece
from harness.scenario.profiles.protocol import PERIODS_MAX, BrokenRule, ProfileModel


class Step(ProfileModel):
    """``{kind: step, rates: [10k/s, 20k/s, 40k/s]}``."""

    describes: ClassVar[str] = "rates: one after the other, each for an equal part of the load"
    kind: Literal["step"] = "step"
    rates: tuple[Rate, ...]

    def broken_rules(self, duration_s: float) -> Iterator[BrokenRule]:
        """Require from two to ``PERIODS_MAX`` steps."""
        if not 1 < len(self.rates) <= PERIODS_MAX:
            allowed = f"from 2 to {PERIODS_MAX:,}"
            yield BrokenRule(field="rates", found=f"{len(self.rates)} rates", allowed=allowed)

    def curve(self, duration_s: float) -> Curve:
        """One level line per rate."""
        edges_s = [duration_s * n / len(self.rates) for n in range(len(self.rates) + 1)]
        return Curve.of(
            Piece(from_s=edges_s[n], to_s=edges_s[n + 1], from_rate=rate, to_rate=rate)
            for n, rate in enumerate(self.rates)
        )
