"""A crowd that arrives suddenly, stays for a while and leaves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from harness.base.units import Seconds
from harness.scenario.profiles.curve import Curve, joined
from harness.scenario.profiles.protocol import BrokenRule, PeakedProfile


class FlashCrowd(PeakedProfile):
    """``{kind: flash_crowd, base: 2k/s, peak: 20k/s, at: 30s, rise: 5s, hold: 10s, fall: 20s}``."""

    describes: ClassVar[str] = "base; at `at` to peak within rise, for hold, and back within fall"
    kind: Literal["flash_crowd"] = "flash_crowd"
    at: Seconds
    """When the rise begins."""
    rise: Seconds
    hold: Seconds
    fall: Seconds

    def broken_rules(self, duration_s: float) -> Iterator[BrokenRule]:
        """Require the crowd to have left when the load ends."""
        yield from super().broken_rules(duration_s)
        if round(self._gone_s, 9) > duration_s:
            found = f"{self.at:g} s, with the crowd gone at {self._gone_s:g} s"
            allowed = f"at + rise + hold + fall within the load's duration of {duration_s:g} s"
            yield BrokenRule(field="at", found=found, allowed=allowed)

    def curve(self, duration_s: float) -> Curve:
        """Five lines."""
        risen_s = self.at + self.rise
        corners = (
            (0.0, self.base),
            (self.at, self.base),
            (risen_s, self.peak),
            (risen_s + self.hold, self.peak),
            (min(self._gone_s, duration_s), self.base),
            (duration_s, self.base),
        )
        return Curve.of(joined(*corners))

    @property
    def _gone_s(self) -> float:
        return self.at + self.rise + self.hold + self.fall
