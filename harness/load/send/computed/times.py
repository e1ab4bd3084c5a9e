"""The time of each computed event, from the number of the event alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from harness.scenario.profiles.arrivals import reached_s
from harness.scenario.profiles.curve import Curve


class EventTimes(Protocol):
    """Maps numbers to times, which never decrease."""

    def offsets_ms(self, first: int, count: int) -> list[int]:
        """Event times of ``count`` neighbours from number ``first`` on, counted from the load's start."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Evenly:
    """Whole milliseconds from 0 to less than ``span_ms``, for ``events`` of them; 0 where the span is."""

    span_ms: int
    events: int

    def offsets_ms(self, first: int, count: int) -> list[int]:
        """In whole numbers: no rounding adds up."""
        begin_ms, rest = divmod(first * self.span_ms, self.events)
        within_ms = (rest + np.arange(count) * self.span_ms) // self.events
        offsets_ms: list[int] = (begin_ms + within_ms).tolist()
        return offsets_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class AsDue:
    """The moment at which an event is due, on the event clock: to the millisecond below."""

    curve: Curve
    time_scale: float
    """Event-clock seconds per wall-clock second."""

    def offsets_ms(self, first: int, count: int) -> list[int]:
        """As in harness/load/plan/arranged.py for a plan with even arrivals."""
        at_s = reached_s(self.curve, np.arange(first, first + count, dtype=np.float64) + 0.5)
        offsets_ms: list[int] = np.floor(at_s * (self.time_scale * 1000)).astype(np.int64).tolist()
        return offsets_ms
