"""What a profile is: events per second as a function of time, written as data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final, Literal, Protocol

from pydantic import BaseModel, ConfigDict

from harness.base.units import Rate, Seconds
from harness.scenario.profiles.curve import Curve

Arrivals = Literal["even", "poisson"]
"""How events arrive at a rate; see harness/scenario/profiles/arrivals.py."""
PERIODS_MAX: Final = 10_000
"""How often a profile may repeat itself."""


class ProfileModel(BaseModel):
    """What all profiles have in common. Rates are of the trace's valid events, on the wall clock; what a
    scenario injects comes on top.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenRule:
    """Why a profile does not fit its load."""

    field: str
    found: str
    allowed: str


class Profile(Protocol):
    """Every profile gives its rate over a load's duration, and what about it makes no sense there."""

    describes: ClassVar[str]
    """Its rate over time, as a phrase for ``floodmark list``."""

    def broken_rules(self, duration_s: float) -> Iterator[BrokenRule]:
        """What is wrong with it over this duration. It has a curve only if nothing is."""
        ...

    def curve(self, duration_s: float) -> Curve | None:
        """The rate over the load's duration; None where the trace's own times decide."""
        ...


class PeakedProfile(ProfileModel):
    """What the profiles share that rise from a base to a peak."""

    base: Rate
    peak: Rate

    def broken_rules(self, duration_s: float) -> Iterator[BrokenRule]:
        """The peak must be no lower than the base."""
        if self.peak < self.base:
            yield BrokenRule(
                field="peak", found=f"{self.peak:g}/s", allowed=f"at least the base, {self.base:g}/s"
            )


class PeriodicProfile(PeakedProfile):
    """What the profiles share that do so again and again."""

    every: Seconds
    """The length of a period."""

    def broken_rules(self, duration_s: float) -> Iterator[BrokenRule]:
        """The first period must end within the load, and not too many may fill it."""
        yield from super().broken_rules(duration_s)
        if not duration_s / PERIODS_MAX <= self.every <= duration_s:
            allowed = f"from {duration_s / PERIODS_MAX:g} s to the load's duration of {duration_s:g} s"
            yield BrokenRule(field="every", found=f"{self.every:g} s", allowed=allowed)
