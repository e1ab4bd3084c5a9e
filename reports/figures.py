"""The figures of a page: which series are drawn together, and what is said of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from harness.history.reader import History
from reports import series
from reports.plots import COLOURS, Part, Timeline
from reports.series import Series, by_second

_DASHES: Final = ("-", (0, (4, 1.5)), (0, (1.5, 1.2)), (0, (5, 1.5, 1.5, 1.5)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One drawn figure."""

    title: str
    says: str
    """What the reader sees in it, in one sentence."""
    svg: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sketch:
    """A figure, before there is a history to draw."""

    title: str
    unit: str
    says: str
    draw: Callable[[Timeline, History], None]
    part: Part = "stream"
    """Of the run, that it shows."""
    behind_source: bool = False
    """Whether it shows what lies behind the source topic."""

    def drawn(self, history: History) -> Figure:
        plot = Timeline(history, self.unit, self.part)
        self.draw(plot, history)
        return Figure(title=self.title, says=self.says, svg=plot.svg())


def figures(history: History) -> list[Figure]:
    """Every figure, in the order of the page. What was not deployed has none."""
    streams, batches = history.scenario.pipeline.streams, history.scenario.lake is not None
    return [
        sketch.drawn(history)
        for sketch in _SKETCHES
        if (streams or not sketch.behind_source) and (batches or sketch.part != "lake")
    ]


def _throughput(plot: Timeline, history: History) -> None:
    sent, acknowledged = series.throughput(history)
    if len((wanted := series.wanted(history)).at_s):
        plot.area(wanted, "#cbd5e1")
    plot.line(sent, COLOURS[0], linewidth=1.1)
    plot.line(acknowledged, COLOURS[2])
    if len((reads := series.reads(history)).at_s):
        plot.line(reads, COLOURS[3])


def _lag(plot: Timeline, history: History) -> None:
    for line, colour in zip(series.lag(history), COLOURS, strict=False):
        if len(line.at_s):
            plot.line(line, colour)


def _freshness(plot: Timeline, history: History) -> None:
    _spreads(plot, series.freshness(history), COLOURS, dots=True)


def _latency(plot: Timeline, history: History) -> None:
    plot.logarithmic()
    _spreads(plot, series.latency(history), COLOURS[2:], dots=False)


def _batch(plot: Timeline, history: History) -> None:
    bars = series.lake_tasks(history)
    rows = list(dict.fromkeys(bar.row for bar in bars))
    names = dict.fromkeys(bar.name for bar in bars)
    plot.spans(rows, bars, dict(zip(names, COLOURS, strict=False)))


def _cpu(plot: Timeline, history: History) -> None:
    _by_node(plot, series.cpu(history))


def _memory(plot: Timeline, history: History) -> None:
    _by_node(plot, series.memory(history))


def _spreads(plot: Timeline, lines: Iterable[Series], colours: Sequence[str], *, dots: bool) -> None:
    """The median of each second as a line, its 99th percentile as a thinner one without a name."""
    for line, colour in zip(lines, colours, strict=False):
        if not len(line.at_s):
            continue
        if dots:
            plot.dots(line, colour)
        plot.line(by_second(line, 50), colour)
        plot.line(replace(by_second(line, 99), name=""), colour, linewidth=0.9, linestyle=(0, (2, 1)))


def _by_node(plot: Timeline, lines: Iterable[Series]) -> None:
    """A colour for each service, a kind of line for each of its nodes."""
    drawn: Counter[str] = Counter()
    for line in lines:
        service = line.name.partition("-")[0]
        number = drawn[service]
        drawn[service] += 1
        colour = COLOURS[list(drawn).index(service) % len(COLOURS)]
        plot.line(line, colour, linewidth=1.1, linestyle=_DASHES[number % len(_DASHES)])


_SKETCHES: Final = (
    _Sketch(
        title="Throughput",
        unit="events/s",
        says=(
            "Events that were sent and acknowledged in each second, over what the load wants: its profile, on"
            " top of which comes what is mixed in, or what the plan has due by the trace's own times. Readers"
            " beside the load have a line of their own, in reads a second."
        ),
        draw=_throughput,
    ),
    _Sketch(
        title="Lag",
        unit="events",
        says=(
            "Events that had come and were not committed yet. The stream job commits at checkpoints, so its"
            " lag swings between nothing and one checkpoint's worth."
        ),
        draw=_lag,
        behind_source=True,
    ),
    _Sketch(
        title="Freshness",
        unit="seconds",
        says=(
            "From the intended send of an event, and from when a window could be complete, until it could be"
            " read in the hot store. Solid: the median of each second; dotted: its p99; dots: single probes."
        ),
        draw=_freshness,
        behind_source=True,
    ),
    _Sketch(
        title="Latency",
        unit="ms",
        says=(
            "Response times from the intended start; hot writes as the writer timed them. Solid: the median"
            " of each second; dotted: its p99. The scale is logarithmic."
        ),
        draw=_latency,
    ),
    _Sketch(
        title="Batch",
        unit="",
        says=(
            "The tasks of the lake, a row for each day and one for landing. Hatched: what a gate kept"
            " back, and what was not begun for that."
        ),
        draw=_batch,
        part="lake",
    ),
    _Sketch(
        title="Processor",
        unit="cores",
        says="Processor cores that each node used.",
        draw=_cpu,
        part="whole",
    ),
    _Sketch(
        title="Memory",
        unit="MiB",
        says="Memory that each node's processes held.",
        draw=_memory,
        part="whole",
    ),
)
