"""Repeated linear rises with sudden drops."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from harness.scenario.profiles.curve import Curve, Piece
from harness.scenario.profiles.protocol import PeriodicProfile


class SawTooth(PeriodicProfile):
    """``{kind: saw_tooth, base: 1k/s, peak: 10k/s, every: 20s}``."""

    describes: ClassVar[str] = "in every period a straight line from base to peak, then back at once"
    kind: Literal["saw_tooth"] = "saw_tooth"

    def curve(self, duration_s: float) -> Curve:
        """One rising line per period; the last may be cut off."""
        return Curve.of(self._teeth(duration_s))

    def _teeth(self, duration_s: float) -> Iterator[Piece]:
        from_s, number = 0.0, 0
        while from_s < duration_s:
            number += 1
            to_s = min(number * self.every, duration_s)
            top = self.base + (self.peak - self.base) * min((to_s - from_s) / self.every, 1.0)
            yield Piece(from_s=from_s, to_s=to_s, from_rate=self.base, to_rate=top)
            from_s = to_s
