"""When each event of a load is due. Arrivals never wait for completions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from harness.scenario.profiles.curve import Curve
from harness.scenario.profiles.registry import RateProfile

_NS_PER_S: Final = 1_000_000_000


class Pace(Protocol):
    """Maps the number of an event in the load to the moment when it should be sent."""

    def due_ns(self, number: int) -> int | None:
        """Nanoseconds since the load's start; None when it is sent as soon as possible."""
        ...


@dataclass(frozen=True, slots=True)
class Flood:
    """As fast as the platform accepts events: the rate is what is measured. No moment is intended."""

    def due_ns(self, number: int) -> int | None:
        """Always None: nothing is waited for."""
        return None


@dataclass(frozen=True, slots=True)
class Paced:
    """Evenly along a profile's curve, without a list of all moments."""

    curve: Curve

    def due_ns(self, number: int) -> int | None:
        """When the integral of the rate reaches ``number`` + 0.5; the load's end for anything beyond."""
        return round(self.curve.reached_s(number + 0.5) * _NS_PER_S)


class LoadSchedule(BaseModel):
    """A profile over a duration; its events arrive evenly."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    profile: RateProfile
    duration_s: float = Field(gt=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for rule in self.profile.broken_rules(self.duration_s):
            raise ValueError(f"{rule.field}: found {rule.found}; allowed: {rule.allowed}")
        return self

    @property
    def events(self) -> int:
        """How many are due within the duration."""
        return self.profile.curve(self.duration_s).events

    @property
    def pace(self) -> Paced:
        """When each event is due."""
        return Paced(self.profile.curve(self.duration_s))
