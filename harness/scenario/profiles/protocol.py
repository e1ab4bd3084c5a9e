"""What a profile is: events a second as a function of time, written as data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final, Literal, Protocol

from pydantic import BaseModel, ConfigDict

from harness.scenario.profiles.curve import Curve

Arrivals = Literal["even", "poisson"]
"""How events arrive at a rate; see harness/scenario/profiles/arrivals.py."""
PERIODS_MAX: Final = 10_000
"""So often may a profile repeat itself."""


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
    """Every profile says how it looks over a load's duration, and what of it makes no sense there."""

    describes: ClassVar[str]
    """Its rate over time, as a phrase for ``floodmark list``."""

    def broken_rules(self, duration_s: float) -> Iterator[BrokenRule]:
        """What is wrong with it over this duration. Only where nothing is does it have a curve."""
        ...

    def curve(self, duration_s: float) -> Curve | None:
        """The rate over the load's duration; None where the trace's own times decide."""
        ...


def peak_below_base(base: float, peak: float) -> Iterator[BrokenRule]:
    """A peak is no lower than what it rises from."""
    if peak < base:
        yield BrokenRule(field="peak", found=f"{peak:g}/s", allowed=f"at least the base, {base:g}/s")


def period_out_of_range(every_s: float, duration_s: float) -> Iterator[BrokenRule]:
    """A period comes to its end, and not too many of them fill the load."""
    if not duration_s / PERIODS_MAX <= every_s <= duration_s:
        allowed = f"from {duration_s / PERIODS_MAX:g} s to the load's duration of {duration_s:g} s"
        yield BrokenRule(field="every", found=f"{every_s:g} s", allowed=allowed)
