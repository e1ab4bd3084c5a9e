"""When each event of a replay is due. Arrivals never wait for completions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from harness.scenario.profiles.curve import Curve

_NS_PER_S: Final = 1_000_000_000


class Pace(Protocol):
    """From the number of an event in the replay to the moment at which it is to be sent."""

    def due_ns(self, number: int) -> int | None:
        """Nanoseconds since the load's start; None when it is sent as soon as it can be."""
        ...


@dataclass(frozen=True, slots=True)
class Flood:
    """As fast as the platform takes it: the rate is what is measured. There is no intended moment."""

    def due_ns(self, number: int) -> int | None:
        """Never waited for."""
        return None


@dataclass(frozen=True, slots=True)
class Paced:
    """Evenly by a profile's curve, without a list of all moments."""

    curve: Curve

    def due_ns(self, number: int) -> int | None:
        """When the integral of the rate reaches ``number`` + 0.5; the load's end for what lies beyond."""
        return round(self.curve.reached_s(number + 0.5) * _NS_PER_S)
