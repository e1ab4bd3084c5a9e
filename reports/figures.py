"""The figures of a page: which series are drawn together, and what is said of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from harness.history.reader import History
from reports import series
from reports.plots import COLOURS, Timeline
from reports.series import Series, by_second

_DASHES: Final = ("-", (0, (4, 1.5)), (0, (1.5, 1.2)), (0, (5, 1.5, 1.5, 1.5)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One drawn figure."""

    title: str
    says: str
    """What the reader sees in it, in one sentence."""
    svg: str


def figures(history: History) -> list[Figure]:
    """Every figure, in the order of the page."""
    return [draw(history) for draw in _FIGURES]


def _throughput(history: History) -> Figure:
    plot = Timeline(history, "events/s")
    due, sent, acknowledged = series.throughput(history)
    plot.area(due, "#cbd5e1")
    plot.line(sent, COLOURS[0], linewidth=1.1)
    plot.line(acknowledged, COLOURS[2])
    return Figure(
        title="Throughput",
        says="Events that the trace wanted sent in each second, that were sent, and that were acknowledged.",
        svg=plot.svg(),
    )


def _lag(history: History) -> Figure:
    plot = Timeline(history, "events")
    for number, line in enumerate(series.lag(history)):
        _line_if_any(plot, line, COLOURS[number])
    return Figure(
        title="Lag",
        says=(
            "Events that had come and were not committed yet. The stream job commits at checkpoints, so its"
            " lag swings between nothing and one checkpoint's worth."
        ),
        svg=plot.svg(),
    )


def _freshness(history: History) -> Figure:
    plot = Timeline(history, "seconds")
    for number, line in enumerate(series.freshness(history)):
        _spread(plot, line, COLOURS[number])
    return Figure(
        title="Freshness",
        says=(
            "From the intended send of an event, and from when a window could be complete, until it could be"
            " read in the hot store. Solid: the median of each second; dotted: its p99; dots: single probes."
        ),
        svg=plot.svg(),
    )


def _latency(history: History) -> Figure:
    plot = Timeline(history, "ms")
    plot.logarithmic()
    for number, line in enumerate(series.latency(history)):
        _spread(plot, line, COLOURS[number + 2], dots=False)
    return Figure(
        title="Latency",
        says=(
            "Response times from the intended start; hot writes as the writer timed them. Solid: the median"
            " of each second; dotted: its p99. The scale is logarithmic."
        ),
        svg=plot.svg(),
    )


def _cpu(history: History) -> Figure:
    return _by_node(
        history, "Processor", "cores", series.cpu(history), "Processor cores that each node used."
    )


def _memory(history: History) -> Figure:
    return _by_node(
        history, "Memory", "MiB", series.memory(history), "Memory that each node's processes held."
    )


def _by_node(history: History, title: str, unit: str, lines: list[Series], says: str) -> Figure:
    """A colour for each service, a kind of line for each of its nodes."""
    plot = Timeline(history, unit)
    drawn: Counter[str] = Counter()
    for line in lines:
        service = line.name.partition("-")[0]
        number = drawn[service]
        drawn[service] += 1
        colour = COLOURS[list(drawn).index(service) % len(COLOURS)]
        plot.line(line, colour, linewidth=1.1, linestyle=_DASHES[number % len(_DASHES)])
    return Figure(title=title, says=says, svg=plot.svg())


def _spread(plot: Timeline, line: Series, colour: str, *, dots: bool = True) -> None:
    """The median of each second as a line, its 99th percentile as a thinner one without a name."""
    if not len(line.at_s):
        return
    if dots:
        plot.dots(line, colour)
    plot.line(by_second(line, 50), colour)
    plot.line(replace(by_second(line, 99), name=""), colour, linewidth=0.9, linestyle=(0, (2, 1)))


def _line_if_any(plot: Timeline, line: Series, colour: str) -> None:
    if len(line.at_s):
        plot.line(line, colour)


_FIGURES: Final[tuple[Callable[[History], Figure], ...]] = (
    _throughput,
    _lag,
    _freshness,
    _latency,
    _cpu,
    _memory,
)
