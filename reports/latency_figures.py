"""The latencies of a run for its page: a table of percentiles, and their curve."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import matplotlib as mpl
import numpy as np
from hdrh.histogram import HdrHistogram
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from harness.history.latencies import Latencies
from harness.judge.measure.measurement import Numbers, rank_of
from reports.timeline import COLOURS, STYLE, bare, name_lines

PARTS: Final = ("wait", "service", "response")
_PERCENTS: Final = (50.0, 90.0, 99.0, 99.9)
_US_PER_MS: Final = 1000
_POINTS: Final = 240
_LINES: Final = {"wait": (0, (1.5, 1.2)), "service": (0, (4, 1.5)), "response": "-"}
_WIDTH_IN, _HEIGHT_IN = 10.4, 2.9


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyRow:
    """One part of the latency of one kind of operation, in milliseconds."""

    kind: str
    part: str
    count: int
    percentiles_ms: tuple[float, ...]
    """p50, p90, p99 and p99.9."""
    max_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """Operations of one kind without a response time."""

    kind: str
    failed: int
    unknown: int


def latency_rows(latencies: Latencies) -> list[LatencyRow]:
    """Return a row for each recorded part of each kind."""
    return [
        LatencyRow(
            kind=kind,
            part=part,
            count=int(histogram.get_total_count()),
            percentiles_ms=_percentiles_ms(histogram),
            max_ms=histogram.get_max_value() / _US_PER_MS,
        )
        for kind, part, histogram in _parts(latencies)
    ]


def unanswered(latencies: Latencies) -> list[Unanswered]:
    """Return the kinds with operations that failed or have no known outcome."""
    found = [
        Unanswered(kind=kind, failed=latencies.count(kind, "fail"), unknown=latencies.count(kind, "unknown"))
        for kind in latencies.kinds
    ]
    return [each for each in found if each.failed or each.unknown]


def percentile_plot(latencies: Latencies) -> str:
    """Draw latency over percentile as SVG; every additional nine takes the same space."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(_WIDTH_IN, _HEIGHT_IN))
        axes: Axes = figure.add_subplot()
        drawn = [
            (
                axes.plot(*_curve(histogram), color=_colour(kind, latencies), linestyle=_LINES[part])[0],
                f"{kind.replace('_', ' ')}: {part}",
            )
            for kind, part, histogram in _parts(latencies)
        ]
        _frame(axes, max((h.get_total_count() for _, _, h in _parts(latencies)), default=1))
        name_lines(axes, drawn)
        figure.subplots_adjust(left=0.075, right=0.83, top=0.95, bottom=0.16)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()


def _parts(latencies: Latencies) -> Iterator[tuple[str, str, HdrHistogram]]:
    for kind in latencies.kinds:
        for part in PARTS:
            if histogram := latencies.histograms.get(f"{kind}.{part}"):
                yield kind, part, histogram


def _percentiles_ms(histogram: HdrHistogram) -> tuple[float, ...]:
    """Return percentiles with ranks rounded up; the library rounds to nearest and can skip the slowest."""
    reached = np.cumsum(np.array(histogram.counts, dtype=np.int64))
    ranks = [rank_of(percent, int(reached[-1])) for percent in _PERCENTS]
    return tuple(value / _US_PER_MS for value in _values_us(histogram, np.searchsorted(reached, ranks)))


def _values_us(histogram: HdrHistogram, indices: Numbers) -> list[int]:
    """Return the largest values that the histogram counts at these indices, so none is reported too low."""
    lowest = (histogram.get_value_from_index(index) for index in indices.tolist())
    return [histogram.get_highest_equivalent_value(value) for value in lowest]


def _curve(histogram: HdrHistogram) -> tuple[Numbers, Numbers]:
    """Return 1 / (share of slower operations), evenly spaced on the axis, and the latency in ms."""
    counts = np.array(histogram.counts, dtype=np.int64)
    reached = np.cumsum(counts)
    one_in = np.logspace(0, np.log10(reached[-1]), _POINTS)
    ranks = np.maximum(np.ceil((1 - 1 / one_in) * reached[-1]), 1)
    values_us = _values_us(histogram, np.searchsorted(reached, ranks))
    # A logarithmic axis has no zero: less than a microsecond is drawn as one.
    return one_in, np.maximum(values_us, 1) / _US_PER_MS


def _colour(kind: str, latencies: Latencies) -> str:
    return COLOURS[latencies.kinds.index(kind) % len(COLOURS)]


def _frame(axes: Axes, count: int) -> None:
    nines = max(2, int(np.ceil(np.log10(count))))
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(1, 10.0**nines)
    axes.xaxis.set_major_locator(FixedLocator([1, 2, *(10.0**n for n in range(1, nines + 1))]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{100 - 100 / x:.10g}%"))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.set_ylabel("ms")
    axes.set_xlabel("percentile", labelpad=2, fontsize=8)
    axes.grid(axis="both", color="#e2e8f0", linewidth=0.7)
    bare(axes)
