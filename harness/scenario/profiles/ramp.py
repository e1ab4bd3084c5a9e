"""A linear change from one rate to another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from harness.base.units import Rate
from harness.scenario.profiles.curve import Curve, joined
from harness.scenario.profiles.protocol import BrokenRule, ProfileModel


class Ramp(ProfileModel):
    """``{kind: ramp, start: 1k/s, end: 50k/s}``. It may also fall."""

    describes: ClassVar[str] = "start to end in a straight line over the whole load"
    kind: Literal["ramp"] = "ramp"
    start: Rate
    end: Rate

    def broken_rules(self, duration_s: float) -> Iterator[BrokenRule]:
        """Fits any duration."""
        yield from ()

    def curve(self, duration_s: float) -> Curve:
        """One line."""
        return Curve.of(joined((0, self.start), (duration_s, self.end)))
