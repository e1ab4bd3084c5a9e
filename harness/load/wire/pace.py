"""When each event of a replay is due. Arrivals never wait for completions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

_NS_PER_S = 1_000_000_000


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
class Constant:
    """Evenly, at so many events a second."""

    rate_per_s: float

    def due_ns(self, number: int) -> int | None:
        """The moment of the event with this number."""
        return round(number / self.rate_per_s * _NS_PER_S)
