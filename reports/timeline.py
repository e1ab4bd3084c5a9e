"""Draws series over time as SVG, with phases in the background and faults as marks."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from harness.faults.registry import FAULTS
from harness.history.course import FOREVER_NS
from harness.history.reader import History
from harness.layers.figure import Bar, Part, Series
from reports.series import by_second

COLOURS: Final = ("#2563eb", "#ea580c", "#16a34a", "#9333ea", "#0891b2", "#be123c", "#a16207", "#475569")
_PHASE_COLOURS: Final = {
    "warm_up": "#f1f5f9",
    "steady": "#ecfdf5",
    "fault": "#fef2f2",
    "recovery": "#fffbeb",
    "drain": "#eff6ff",
    "lake": "#faf5ff",
}
_UNKNOWN_FAULT: Final = "#c0392b"
_INK, _PALE = "#334155", "#94a3b8"
_WIDTH_IN, _HEIGHT_IN = 10.4, 2.6
_NARROWEST_LABEL: Final = 0.055
"""Phases narrower than this share of the width get no name."""
_NAME_WIDTH: Final = 0.2
"""The share of the width that a fault's name may take."""
STYLE: Final[Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "floodmark",
    "font.family": "sans-serif",
    "font.sans-serif": ["Inter", "Helvetica Neue", "Arial", "DejaVu Sans"],
    "font.size": 9,
    # Names of nodes come from the run and may contain dollar signs.
    "text.parse_math": False,
    "text.color": _INK,
    "axes.edgecolor": "#cbd5e1",
    "axes.labelcolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
}


class Timeline:
    """One plot over the time of a run, or of a part of it. ``svg`` gives what was drawn.

    With ``axes`` it draws into a figure that others own; without ``labels`` the phases and faults of a plot
    below another one are marked but not named again.
    """

    def __init__(
        self, history: History, unit: str, part: Part, *, axes: Axes | None = None, labels: bool = True
    ) -> None:
        self._start_ns = history.info.load_start_ns if history.info else 0
        begin_ns, end_ns = extent_ns(history, part)
        self._begin_s, self._end_s = (begin_ns - self._start_ns) / 1e9, (end_ns - self._start_ns) / 1e9
        self._legend: list[tuple[Any, str]] = []
        self._top = 0.79 if history.faults else 0.89
        self._labels = labels
        with mpl.rc_context(STYLE):
            self._figure = Figure(figsize=(_WIDTH_IN, _HEIGHT_IN))
            self._axes: Axes = axes or self._figure.add_subplot()
            frame(self._axes, unit, self._end_s, begin_s=self._begin_s)
            self._shade_phases(history)
            self._mark_faults(history)

    def line(self, series: Series, colour: str, **style: Any) -> None:
        """Draw a line; one without a name is not in the legend."""
        (drawn,) = self._axes.plot(series.at_s, series.value, color=colour, **{"linewidth": 1.5, **style})
        if series.name:
            self._legend.append((drawn, series.name))

    def area(self, series: Series, colour: str) -> None:
        """Draw a pale area below the values, for comparison with other series."""
        drawn = self._axes.fill_between(series.at_s, series.value, color=colour, alpha=0.5, linewidth=0)
        self._legend.append((drawn, series.name))

    def dots(self, series: Series, colour: str) -> None:
        """Draw the single values, without a legend entry."""
        self._axes.plot(
            series.at_s,
            series.value,
            linestyle="none",
            marker=".",
            markersize=2.5,
            color=colour,
            alpha=0.25,
            rasterized=True,
        )

    def lines(self, series: Sequence[Series]) -> None:
        """Draw a line through each series that has values."""
        for line, colour in zip(series, COLOURS, strict=False):
            if len(line.at_s):
                self.line(line, colour)

    def spreads(self, series: Sequence[Series]) -> None:
        """The single values as dots, the median of each second, and its p99 as a thinner line."""
        self._spreads(series, COLOURS, dots=True)

    def medians(self, series: Sequence[Series]) -> None:
        """The same without the single values."""
        self._spreads(series, COLOURS[2:], dots=False)

    def _spreads(self, series: Sequence[Series], colours: Sequence[str], *, dots: bool) -> None:
        for line, colour in zip(series, colours, strict=False):
            if not len(line.at_s):
                continue
            if dots:
                self.dots(line, colour)
            self.line(by_second(line, 50), colour)
            dotted = (0, (2, 1))
            self.line(replace(by_second(line, 99), name=""), colour, linewidth=0.9, linestyle=dotted)

    def bars(self, bars: Sequence[Bar]) -> None:
        """Draw bars from start to end, each in its row, the first row on top; a colour for each name.

        Marked ones are hatched.
        """
        rows = list(dict.fromkeys(bar.row for bar in bars))
        colours = dict(zip(dict.fromkeys(bar.name for bar in bars), COLOURS, strict=False))
        self._axes.set_yticks(range(len(rows)), rows)
        self._axes.set_ylim(len(rows) - 0.5, -0.5)
        self._axes.grid(visible=False)
        for name, colour in colours.items():
            drawn = [bar for bar in bars if bar.name == name]
            if not drawn:
                continue
            at = [rows.index(bar.row) for bar in drawn]
            widths = [bar.end_s - bar.begin_s for bar in drawn]
            lefts = [bar.begin_s for bar in drawn]
            hatches = ["////" if bar.marked else "" for bar in drawn]
            style: Any = {"height": 0.6, "color": colour, "edgecolor": "white", "linewidth": 0}
            shown = self._axes.barh(at, widths, left=lefts, hatch=hatches, **style)
            self._legend.append((shown, name))

    def logarithmic(self) -> None:
        """Use a logarithmic scale, for values that are far apart."""
        self._axes.set_yscale("log")
        self._axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        # There is no room for labels within a decade.
        self._axes.yaxis.set_minor_formatter(NullFormatter())

    def finish(self) -> None:
        """Begin the values at zero and add the legend, once everything is drawn."""
        if self._axes.get_yscale() == "linear" and not self._axes.yaxis_inverted():
            self._axes.set_ylim(bottom=0)
        name_lines(self._axes, self._legend)

    def svg(self) -> str:
        """Return the plot as an SVG document."""
        with mpl.rc_context(STYLE):
            self.finish()
            self._figure.subplots_adjust(left=0.075, right=0.83, top=self._top, bottom=0.16)
            text = io.StringIO()
            self._figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
        return text.getvalue()

    def _shade_phases(self, history: History) -> None:
        for span in history.phases:
            begin_s, end_s = self._at_s(span.from_ns), self._at_s(span.to_ns)
            if span.phase == "done" or end_s <= begin_s:
                continue
            self._axes.axvspan(begin_s, end_s, color=_PHASE_COLOURS[span.phase], linewidth=0, zorder=0)
            if end_s - begin_s > _NARROWEST_LABEL * self._width_s:
                name = span.phase.replace("_", " ")
                self._write((begin_s + end_s) / 2, 1.03, name, ha="center", color=_PALE, fontsize=8)

    def _mark_faults(self, history: History) -> None:
        named_s, line = -self._end_s, 0
        for fault in history.faults:
            colour = FAULTS[fault.kind].colour if fault.kind in FAULTS else _UNKNOWN_FAULT
            inject_s = self._at_s(fault.inject_ns)
            heal_s = self._end_s if fault.heal_ns is None else self._at_s(fault.heal_ns)
            self._axes.axvspan(inject_s, heal_s, color=colour, alpha=0.08, linewidth=0, zorder=0.5)
            self._axes.axvline(inject_s, color=colour, linewidth=1.1, zorder=1)
            if fault.heal_ns is not None:
                self._axes.axvline(heal_s, color=colour, linewidth=0.9, linestyle=(0, (3, 2)), zorder=1)
            # Names of faults in close succession alternate between two lines.
            line = 1 - line if inject_s - named_s < _NAME_WIDTH * self._width_s else 0
            named_s = inject_s
            self._write(inject_s, 1.12 + 0.1 * line, fault.title, color=colour, fontsize=8)

    def _write(self, at_s: float, height: float, text: str, **style: Any) -> None:
        if not self._labels:
            return
        self._axes.text(
            at_s, height, text, transform=self._axes.get_xaxis_transform(), clip_on=False, **style
        )

    def _at_s(self, at_ns: int) -> float:
        return float(np.clip((at_ns - self._start_ns) / 1e9, self._begin_s, self._end_s))

    @property
    def _width_s(self) -> float:
        return self._end_s - self._begin_s


def name_lines(axes: Axes, lines: Sequence[tuple[Any, str]]) -> None:
    """Draw the legend beside the plot; without any line, note that nothing was recorded."""
    if not lines:
        axes.text(0.5, 0.5, "nothing was recorded", transform=axes.transAxes, ha="center", color=_PALE)
        return
    handles, names = zip(*lines, strict=True)
    axes.legend(
        handles,
        names,
        loc="upper left",
        bbox_to_anchor=(1.005, 1.03),
        frameon=False,
        handlelength=1.8,
        fontsize=8,
        labelspacing=0.35,
    )


def bare(axes: Axes) -> None:
    """Remove the box around the plot, and shorten its ticks."""
    axes.set_axisbelow(True)
    axes.tick_params(length=3)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def frame(axes: Axes, unit: str, end_s: float, *, begin_s: float = 0.0) -> None:
    """Set up axes over seconds since the load began."""
    axes.set_xlim(begin_s, max(end_s, begin_s + 1.0))
    axes.set_ylabel(unit)
    axes.set_xlabel("seconds since the load began", labelpad=2, fontsize=8)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axes.grid(axis="y", color="#e2e8f0", linewidth=0.7)
    bare(axes)


def extent_ns(history: History, part: Part) -> tuple[int, int]:
    """Return where a part begins and ends. Without a lake stage, all of the run is stream."""
    start_ns, end_ns = _whole_ns(history)
    lake_ns = next((span.from_ns for span in history.phases if span.phase == "lake"), end_ns)
    match part:
        case "whole":
            return start_ns, end_ns
        case "stream":
            return start_ns, lake_ns
        case "lake":
            return lake_ns, end_ns


def _whole_ns(history: History) -> tuple[int, int]:
    """Return the span from the load's start to the last recorded event."""
    start_ns = history.info.load_start_ns if history.info else 0
    ends = [span.from_ns if span.to_ns >= FOREVER_NS else span.to_ns for span in history.phases]
    last: Sequence[int | None] = (
        history.value("SELECT max(completed_ns) FROM operations"),
        history.value("SELECT max(at_ns) FROM samples"),
        *ends,
    )
    return start_ns, max([start_ns, *(end for end in last if end is not None)])
