"""A piecewise linear rate over time, whose integral can be inverted exactly."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    import numpy as np

_Number = TypeVar("_Number", float, "np.ndarray[Any, np.dtype[np.float64]]")

_TINY: Final = 1e-300
"""Turns 0 / 0 into 0: no events take no time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One line of a curve. Times count from the start of the load; rates are events per second."""

    from_s: float
    to_s: float
    from_rate: float
    to_rate: float

    @property
    def length_s(self) -> float:
        """Its duration."""
        return self.to_s - self.from_s

    @property
    def events(self) -> float:
        """Its integral, the number of its events."""
        return (self.from_rate + self.to_rate) / 2 * self.length_s

    def events_within(self, seconds: float) -> float:
        """Its integral over its first ``seconds``."""
        rate = self.from_rate + (self.to_rate - self.from_rate) * seconds / self.length_s
        return (self.from_rate + rate) / 2 * seconds

    def after_s(self, events: _Number) -> _Number:
        """Seconds from its beginning until ``events`` have arrived.

        The square of a line's rate grows in proportion to its integral, which gives the rate; the integral
        divided by the mean rate gives the time.
        """
        share = events / (self.events + _TINY)
        rate = abs(self.from_rate**2 + (self.to_rate**2 - self.from_rate**2) * share) ** 0.5
        seconds: _Number = 2 * events / (self.from_rate + rate + _TINY)
        return seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Adjacent pieces from the start of the load to its end."""

    pieces: tuple[Piece, ...]
    before: tuple[float, ...]
    """Number of events before each piece."""

    @staticmethod
    def of(pieces: Iterable[Piece]) -> Curve:
        """The curve of these pieces, without those of no length."""
        drawn = tuple(piece for piece in pieces if piece.length_s > 0)
        before = tuple(accumulate((piece.events for piece in drawn[:-1]), initial=0.0))
        return Curve(pieces=drawn, before=before)

    @property
    def area(self) -> float:
        """The integral over the whole load, in events."""
        return self.before[-1] + self.pieces[-1].events

    @property
    def events(self) -> int:
        """How many events arrive."""
        return round(self.area)

    def reached_s(self, events: float) -> float:
        """When the integral reaches ``events``; at most the end of the load."""
        number = bisect_right(self.before, events) - 1
        piece = self.pieces[number]
        within = min(events - self.before[number], piece.events)
        return piece.from_s + min(piece.after_s(within), piece.length_s)

    def area_until(self, at_s: float) -> float:
        """The integral from the start of the load until ``at_s``, in events."""
        number = bisect_right(self.pieces, at_s, key=lambda piece: piece.from_s) - 1
        piece = self.pieces[number]
        return self.before[number] + piece.events_within(min(at_s, piece.to_s) - piece.from_s)


def joined(*corners: tuple[float, float]) -> Iterable[Piece]:
    """The lines between corners ``(at_s, rate)``. Two corners at the same time are a jump."""
    for (from_s, from_rate), (to_s, to_rate) in pairwise(corners):
        yield Piece(from_s=from_s, to_s=to_s, from_rate=from_rate, to_rate=to_rate)
