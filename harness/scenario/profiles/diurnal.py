"""A day with one peak, compressed into the load's duration."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import ClassVar, Final, Literal

from harness.base.units import DURATION_UNITS_S, Seconds
from harness.scenario.profiles.curve import Curve, joined
from harness.scenario.profiles.protocol import BrokenRule, PeakedProfile

_DAY_S: Final = DURATION_UNITS_S["d"]
_LINES: Final = 288
"""Number of lines: one per five minutes of the day."""


class Diurnal(PeakedProfile):
    """``{kind: diurnal, base: 2k/s, peak: 20k/s, peak_at: 20h}``: midnight to midnight."""

    describes: ClassVar[str] = "a day, compressed: from base twelve hours away to peak at peak_at (20h)"
    kind: Literal["diurnal"] = "diurnal"
    peak_at: Seconds = 20 * DURATION_UNITS_S["h"]
    """The time of day of the peak."""

    def broken_rules(self, duration_s: float) -> Iterator[BrokenRule]:
        """Require a peak above the base, within the day."""
        yield from super().broken_rules(duration_s)
        if self.peak_at > _DAY_S:
            found = f"{self.peak_at / DURATION_UNITS_S['h']:g} h"
            yield BrokenRule(field="peak_at", found=found, allowed="a time of day, at most 24h")

    def curve(self, duration_s: float) -> Curve:
        """A raised cosine."""
        corners = ((duration_s * n / _LINES, self._rate(n / _LINES)) for n in range(_LINES + 1))
        return Curve.of(joined(*corners))

    def _rate(self, day: float) -> float:
        height = (1 + math.cos(2 * math.pi * (day - self.peak_at / _DAY_S))) / 2
        return self.base + (self.peak - self.base) * height
