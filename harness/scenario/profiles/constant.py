"""A constant rate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from harness.base.units import Rate
from harness.scenario.profiles.curve import Curve, joined
from harness.scenario.profiles.protocol import BrokenRule, ProfileModel


class Constant(ProfileModel):
    """``{kind: constant, rate: 50k/s}``."""

    describes: ClassVar[str] = "rate: the same all the time"
    kind: Literal["constant"] = "constant"
    rate: Rate

    def broken_rules(self, duration_s: float) -> Iterator[BrokenRule]:
        """Fits any duration."""
        yield from ()

    def curve(self, duration_s: float) -> Curve:
        """A level line."""
        return Curve.of(joined((0, self.rate), (duration_s, self.rate)))
