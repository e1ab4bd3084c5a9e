"""All profiles that a load may name: one file each, and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final, get_args

from pydantic import Field

from harness.scenario.profiles.burst import Burst
from harness.scenario.profiles.constant import Constant
from harness.scenario.profiles.diurnal import Diurnal
from harness.scenario.profiles.flash_crowd import FlashCrowd
from harness.scenario.profiles.protocol import Profile
from harness.scenario.profiles.ramp import Ramp
from harness.scenario.profiles.saw_tooth import SawTooth
from harness.scenario.profiles.step import Step
from harness.scenario.profiles.trace import TraceProfile

_Rates = Constant | Ramp | Step | Diurnal | Burst | FlashCrowd | SawTooth

RateProfile = Annotated[_Rates, Field(discriminator="kind")]
"""Profiles with their own rate."""
AnyProfile = Annotated[TraceProfile | _Rates, Field(discriminator="kind")]
"""The same, or the trace's own arrivals."""

PROFILES: Final[Mapping[str, type[Profile]]] = MappingProxyType(
    {profile.model_fields["kind"].default: profile for profile in (TraceProfile, *get_args(_Rates))}
)
