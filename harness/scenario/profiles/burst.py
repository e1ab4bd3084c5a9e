"""Regular bursts over a base."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from harness.base.units import Seconds
from harness.scenario.profiles.curve import Curve, Piece
from harness.scenario.profiles.protocol import BrokenRule, PeriodicProfile


class Burst(PeriodicProfile):
    """``{kind: burst, base: 1k/s, peak: 10k/s, every: 10s, length: 2s}``. A period ends with its burst."""

    describes: ClassVar[str] = "base, and peak for the last length of every period"
    kind: Literal["burst"] = "burst"
    length: Seconds
    """Length of a burst."""

    def broken_rules(self, duration_s: float) -> Iterator[BrokenRule]:
        """Require bursts above the base, with time between them."""
        yield from super().broken_rules(duration_s)
        if not 0 < self.length < self.every:
            allowed = f"more than 0 s and less than every, {self.every:g} s"
            yield BrokenRule(field="length", found=f"{self.length:g} s", allowed=allowed)

    def curve(self, duration_s: float) -> Curve:
        """Two level lines per period."""
        return Curve.of(self._pieces(duration_s))

    def _pieces(self, duration_s: float) -> Iterator[Piece]:
        from_s, number = 0.0, 0
        while from_s < duration_s:
            number += 1
            ends = ((number * self.every - self.length, self.base), (number * self.every, self.peak))
            for end_s, rate in ends:
                to_s = min(end_s, duration_s)
                yield Piece(from_s=from_s, to_s=to_s, from_rate=rate, to_rate=rate)
                from_s = to_s
