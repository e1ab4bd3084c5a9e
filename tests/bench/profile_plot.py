"""Draws the profiles and the rates that were measured, one over the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.scenario.profiles.curve import Curve
from reports.timeline import COLOURS, STYLE, frame
from tests.bench.profile_accuracy import Accuracy, Sendings, rates

_SLOT_S: Final = 0.5
_WIDTH_IN, _ROW_IN, _HEAD_IN = 10.4, 1.75, 0.75
_PROFILE: Final = "#cbd5e1"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Panel:
    """One load of a profile."""

    curve: Curve | None
    """None where the trace's own times decide: then it is drawn from when its events were due."""
    load: Sendings
    accuracy: Accuracy


def draw(rows: Mapping[str, Sequence[Panel | str]], columns: Sequence[str], files: Sequence[Path]) -> None:
    """A row a profile and a column a path, into files whose suffixes say how; text stands for what is not."""
    height_in = _ROW_IN * len(rows) + _HEAD_IN
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(_WIDTH_IN, height_in))
        grid = figure.subplots(len(rows), len(columns), squeeze=False)
        for line, (name, panels) in zip(grid, rows.items(), strict=True):
            for axes, panel in zip(line, panels, strict=True):
                _explain(axes, panel) if isinstance(panel, str) else _draw_panel(axes, panel)
            line[0].set_title(name.replace("_", " "), loc="left", fontsize=10, fontweight="bold")
        for axes, column in zip(grid[0], columns, strict=True):
            axes.annotate(
                column, (0.5, 1.0), (0, 26), xycoords="axes fraction", textcoords="offset points", ha="center"
            )
        handles, names = grid[0][0].get_legend_handles_labels()
        figure.legend(handles, names, loc="upper center", ncols=len(names), frameon=False, fontsize=9)
        figure.subplots_adjust(
            left=0.075, right=0.985, wspace=0.16, hspace=0.62, bottom=0.035, top=1 - _HEAD_IN / height_in
        )
        for file in files:
            file.parent.mkdir(parents=True, exist_ok=True)
            figure.savefig(file, dpi=130)


def _draw_panel(axes: Axes, panel: Panel) -> None:
    load = panel.load
    frame(axes, "events/s", load.duration_s)
    axes.plot(*_wanted(panel), color=_PROFILE, linewidth=4.5, solid_joinstyle="miter", label="profile")
    sent = rates(load, load.sent_s, load.events, slot_s=_SLOT_S)
    axes.plot(*sent, color=COLOURS[0], linewidth=1.2, label="sent")
    acknowledged = rates(load, load.completed_s, load.acknowledged, slot_s=_SLOT_S)
    axes.plot(
        *acknowledged, color=COLOURS[1], linestyle="none", marker="o", markersize=2.6, label="acknowledged"
    )
    axes.margins(y=0.12)
    axes.set_ylim(bottom=0)
    axes.label_outer()
    axes.tick_params(labelbottom=True, labelleft=True)
    said = f"worst 10 s: {panel.accuracy.worst_10s_percent:.2f}% off"
    axes.set_title(said, loc="right", fontsize=8, color=COLOURS[-1])


def _wanted(panel: Panel) -> tuple[Sequence[float], Sequence[float]]:
    if panel.curve is None:
        load = panel.load
        at_s, rate = rates(load, load.due_s, np.ones(len(load.due_s)), slot_s=_SLOT_S)
        return at_s.tolist(), rate.tolist()
    corners = [
        corner
        for piece in panel.curve.pieces
        for corner in ((piece.from_s, piece.from_rate), (piece.to_s, piece.to_rate))
    ]
    return [at_s for at_s, _ in corners], [rate for _, rate in corners]


def _explain(axes: Axes, why: str) -> None:
    axes.set_axis_off()
    axes.text(0.5, 0.5, why, transform=axes.transAxes, ha="center", va="center", color=COLOURS[-1])
