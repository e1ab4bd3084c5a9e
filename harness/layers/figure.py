"""The figures of a report as data: what they show of a history, and how they are drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, Protocol, TypeVar

from harness.history.reader import History
from harness.judge.measure.measurement import Numbers

Part = Literal["whole", "stream", "lake"]
"""The part of a run: all of it from the load's start, up to the lake stage, or from there."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Series:
    """One line of a plot."""

    name: str
    at_s: Numbers
    """Seconds since the load began."""
    value: Numbers

    @staticmethod
    def of(name: str, columns: Mapping[str, Numbers]) -> Series:
        """Build a series from a query's columns ``at_s`` and ``value``."""
        return Series(name=name, at_s=columns["at_s"].astype(float), value=columns["value"].astype(float))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A span of time in a row of a chart."""

    row: str
    name: str
    begin_s: float
    end_s: float
    marked: bool
    """Whether it did not end as intended."""


class Canvas(Protocol):
    """The surface for figures (reports/timeline.py). Series without values are left out."""

    def lines(self, series: Sequence[Series]) -> None:
        """Draw each series as a line."""
        ...

    def spreads(self, series: Sequence[Series]) -> None:
        """Draw the median and 99th percentile of each second, and the single values as dots."""
        ...

    def bars(self, bars: Sequence[Bar]) -> None:
        """Draw each bar in its row, the first row on top; bars of the same name have the same color."""
        ...


On_contra = TypeVar("On_contra", contravariant=True)
"""The kind of canvas."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch(Generic[On_contra]):
    """The description of a figure, independent of any history."""

    title: str
    unit: str
    caption: str
    """What the figure shows, in one or two sentences."""
    draw: Callable[[On_contra, History], None]
    part: Part = "stream"
    """The part of the run that it shows."""
