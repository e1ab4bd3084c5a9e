"""The interface of a profile: events per second as a function of time, as data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final, Literal, Protocol

from pydantic import BaseModel, ConfigDict

from harness.base.units import Rate, Seconds
from harness.scenario.profiles.curve import Curve

Arrivals = Literal["even", "poisson"]
"""Spacing of events at a given rate; see harness/scenario/profiles/arrivals.py."""
PERIODS_MAX: Final = 10_000
"""Maximum number of a profile's periods."""


class ProfileModel(BaseModel):
    """Base of all profiles. Rates count the trace's valid events, not injected ones, on the wall clock."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenRule:
    """Why a profile does not fit its load."""

    field: str
    found: str
    allowed: str


class Profile(Protocol):
    """A rate over a load's duration, with the rules that it breaks there."""

    describes: ClassVar[str]
    """A phrase for ``floodmark list`` that describes its rate over time."""

    def broken_rules(self, duration_s: float) -> Iterator[BrokenRule]:
        """The rules it breaks over this duration. Without any, it has a curve."""
        ...

    def curve(self, duration_s: float) -> Curve | None:
        """The rate over the load's duration; None if the trace's own times decide."""
        ...


class PeakedProfile(ProfileModel):
    """Base of the profiles that rise from a base to a peak."""

    base: Rate
    peak: Rate

    def broken_rules(self, duration_s: float) -> Iterator[BrokenRule]:
        """Require a peak at or above the base."""
        if self.peak < self.base:
            yield BrokenRule(
                field="peak", found=f"{self.peak:g}/s", allowed=f"at least the base, {self.base:g}/s"
            )


class PeriodicProfile(PeakedProfile):
    """Base of the profiles that rise in every period."""

    every: Seconds
    """The length of a period."""

    def broken_rules(self, duration_s: float) -> Iterator[BrokenRule]:
        """Require at least one whole period within the load, and at most ``PERIODS_MAX``."""
        yield from super().broken_rules(duration_s)
        if not duration_s / PERIODS_MAX <= self.every <= duration_s:
            allowed = f"from {duration_s / PERIODS_MAX:g} s to the load's duration of {duration_s:g} s"
            yield BrokenRule(field="every", found=f"{self.every:g} s", allowed=allowed)
