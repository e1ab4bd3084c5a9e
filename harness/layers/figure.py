"""The figures of a report before they are drawn: what they show of a history, and how."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, Protocol, TypeVar

from harness.history.reader import History
from harness.judge.measure.measurement import Numbers

Part = Literal["whole", "stream", "lake"]
"""Of a run: from the load's start to its end, to where its lake stage begins, or from there."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Series:
    """One line of a plot."""

    name: str
    at_s: Numbers
    """Seconds since the load began."""
    value: Numbers

    @staticmethod
    def of(name: str, columns: Mapping[str, Numbers]) -> Series:
        """The columns ``at_s`` and ``value`` of a query."""
        return Series(name=name, at_s=columns["at_s"].astype(float), value=columns["value"].astype(float))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """Something that lasted."""

    row: str
    name: str
    begin_s: float
    end_s: float
    marked: bool
    """Whether it did not end as it should."""


class Canvas(Protocol):
    """What figures are drawn on (reports/timeline.py). Series without any value are left out."""

    def lines(self, series: Sequence[Series]) -> None:
        """A line each."""
        ...

    def spreads(self, series: Sequence[Series]) -> None:
        """The median of each second, its 99th percentile, and the single values as dots."""
        ...

    def bars(self, bars: Sequence[Bar]) -> None:
        """Each in its row, the first row above; what has the same name has the same colour."""
        ...


On_contra = TypeVar("On_contra", contravariant=True)
"""What a figure is drawn on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch(Generic[On_contra]):
    """A figure, before there is a history to draw."""

    title: str
    unit: str
    caption: str
    """What the reader sees in it, in one sentence or two."""
    draw: Callable[[On_contra, History], None]
    part: Part = "stream"
    """What of the run it shows."""
