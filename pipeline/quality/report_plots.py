"""Draws the plots of a quality report as SVG."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from pipeline.quality.result import Outcome

_BLUE, _PALE, _GREEN, _RED, _AMBER = "#2563eb", "#cbd5e1", "#15803d", "#b91c1c", "#d97706"
_INK: Final = "#334155"
_STYLE: Final[Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "floodmark",
    "font.family": "sans-serif",
    "font.sans-serif": ["Inter", "Helvetica Neue", "Arial", "DejaVu Sans"],
    "font.size": 9,
    # Names come from the data and may contain dollar signs.
    "text.parse_math": False,
    "text.color": _INK,
    "axes.edgecolor": "#cbd5e1",
    "axes.labelcolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
}
_WIDTH_IN: Final = 10.4


def volume(daily_rows: Mapping[date, int], day: date, limits: Sequence[Outcome]) -> str:
    """Draw rows by day, with the limits for this day's rows."""
    with mpl.rc_context(_STYLE):
        figure, axes = _axes(2.4)
        days = sorted(daily_rows)
        rows = [daily_rows[each] for each in days]
        usual = [daily_rows[each] for each in days if each < day]
        mean = sum(usual) / len(usual) if usual else 0
        for limit in limits if mean else ():
            low, high = (percent / 100 * mean for percent in (limit.low or 0, limit.high or 100))
            colour = _RED if limit.severity == "error" else _AMBER
            for at in (low, high):
                axes.axhline(at, color=colour, linewidth=1, linestyle=(0, (4, 2)))
            axes.text(len(days) - 0.45, high, f" {limit.limit} %", color=colour, va="center", fontsize=8)
        if mean:
            axes.axhline(mean, color=_INK, linewidth=0.8)
            axes.text(len(days) - 0.45, mean, " the mean before", va="center", fontsize=8)
        axes.bar(range(len(days)), rows, width=0.6, color=[_BLUE if d == day else _PALE for d in days])
        axes.set_xticks(range(len(days)), [f"{each:%a}\n{each}" for each in days])
        axes.set_xlim(-0.5, max(len(days) - 0.5, 0.5))
        axes.set_ylabel("rows of Silver")
        figure.subplots_adjust(left=0.08, right=0.8, top=0.95, bottom=0.2)
        return _svg(figure)


def shares(outcomes: Sequence[Outcome]) -> str:
    """Draw null shares and unknown references, with their limits as ticks."""
    observed = {(o.kind, o.subject): o.observed for o in outcomes if o.observed is not None}
    with mpl.rc_context(_STYLE):
        figure, axes = _axes(0.7 + 0.3 * len(observed))
        for at, ((kind, subject), percent) in enumerate(observed.items()):
            own = [o for o in outcomes if (o.kind, o.subject) == (kind, subject)]
            bad = {o.severity for o in own if o.state == "failed"}
            colour = _RED if "error" in bad else _AMBER if bad else _GREEN
            axes.barh(at, percent, height=0.5, color=colour)
            axes.text(percent, at, f"  {percent:.2f} %", va="center", fontsize=8)
            for o in own:
                if o.high:
                    tick = _RED if o.severity == "error" else _AMBER
                    axes.plot([o.high, o.high], [at - 0.4, at + 0.4], color=tick, linewidth=1.6)
        axes.set_yticks(range(len(observed)), [_name(kind, subject) for kind, subject in observed])
        axes.invert_yaxis()
        axes.set_xlim(0, 100)
        axes.set_xlabel("percent")
        figure.subplots_adjust(left=0.2, right=0.97, top=0.97, bottom=0.5 / figure.get_figheight())
        return _svg(figure)


def scores(histogram: Sequence[int], flagged_from: float) -> str:
    """Draw the histogram of scores, and where flagging starts."""
    with mpl.rc_context(_STYLE):
        figure, axes = _axes(2.2)
        width = 1 / len(histogram)
        middles = [(number + 0.5) * width for number in range(len(histogram))]
        colours = [_AMBER if middle > flagged_from else _BLUE for middle in middles]
        axes.bar(middles, histogram, width=width * 0.92, color=colours)
        axes.axvline(flagged_from, color=_AMBER, linewidth=1.2, linestyle=(0, (4, 2)))
        axes.set_yscale("symlog", linthresh=1)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axes.set_xlim(0.2, 1)
        axes.set_xlabel("score")
        axes.set_ylabel("events")
        figure.subplots_adjust(left=0.08, right=0.97, top=0.95, bottom=0.22)
        return _svg(figure)


def _name(kind: str, subject: str) -> str:
    return f"{subject}: null" if kind == "nulls" else f"{subject}: unknown"


def _axes(height_in: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(_WIDTH_IN, height_in))
    axes: Axes = figure.add_subplot()
    axes.set_axisbelow(True)
    axes.tick_params(length=3)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return figure, axes


def _svg(figure: Figure) -> str:
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()
