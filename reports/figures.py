"""The figures of a page: of the load, of what is deployed (harness/layers/ has those), and of the nodes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from matplotlib.axes import Axes

from harness.history.reader import History
from harness.layers.figure import Series, Sketch
from harness.layers.registry import deployed_layers
from reports import series
from reports.timeline import COLOURS, Timeline

_DASHES: Final = ("-", (0, (4, 1.5)), (0, (1.5, 1.2)), (0, (5, 1.5, 1.5, 1.5)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One drawn figure."""

    title: str
    caption: str
    """What the figure shows, in one sentence."""
    svg: str


def figures(history: History) -> list[Figure]:
    """Every figure, in page order. Layers that were not deployed, and stages that did not run, have none."""
    return [_drawn(sketch, history) for sketch in _sketches(history)]


def draw_stream(axes: Sequence[Axes], history: History) -> None:
    """Draw throughput, lag, freshness and latency into one figure, a plot below the other."""
    sketches = [sketch for sketch in _sketches(history) if sketch.part == "stream"]
    for on, sketch in zip(axes, sketches, strict=True):
        plot = Timeline(history, sketch.unit, sketch.part, axes=on, labels=on is axes[0])
        sketch.draw(plot, history)
        plot.finish()
        on.set_ylabel(f"{sketch.title}\n{sketch.unit}")


def _sketches(history: History) -> list[Sketch[Timeline]]:
    layers = deployed_layers(history.scenario.pipeline)
    of_layers = (sketch for layer in layers for sketch in layer.figures)
    sketches: list[Sketch[Timeline]] = [*_OF_THE_LOAD, *of_layers, *_OF_NODES]
    has_stage = history.scenario.lake is not None
    return [sketch for sketch in sketches if has_stage or sketch.part != "lake"]


def _drawn(sketch: Sketch[Timeline], history: History) -> Figure:
    plot = Timeline(history, sketch.unit, sketch.part)
    sketch.draw(plot, history)
    return Figure(title=sketch.title, caption=sketch.caption, svg=plot.svg())


def _throughput(plot: Timeline, history: History) -> None:
    sent, acknowledged = series.throughput(history)
    if len((target := series.target(history)).at_s):
        plot.area(target, "#cbd5e1")
    plot.line(sent, COLOURS[0], linewidth=1.1)
    plot.line(acknowledged, COLOURS[2])
    if len((reads := series.reads(history)).at_s):
        plot.line(reads, COLOURS[3])


def _latency(plot: Timeline, history: History) -> None:
    plot.logarithmic()
    plot.medians(series.latency(history))


def _cpu(plot: Timeline, history: History) -> None:
    _by_node(plot, series.cpu(history))


def _memory(plot: Timeline, history: History) -> None:
    _by_node(plot, series.memory(history))


def _by_node(plot: Timeline, lines: Iterable[Series]) -> None:
    """Draw one line per node: a colour per service, a dash pattern per node."""
    drawn: Counter[str] = Counter()
    for line in lines:
        service = line.name.partition("-")[0]
        number = drawn[service]
        drawn[service] += 1
        colour = COLOURS[list(drawn).index(service) % len(COLOURS)]
        plot.line(line, colour, linewidth=1.1, linestyle=_DASHES[number % len(_DASHES)])


_OF_THE_LOAD: Final = (
    Sketch(
        title="Throughput",
        unit="events/s",
        caption=(
            "Events that were sent and acknowledged in each second, over the target: the load's profile,"
            " which excludes mixed-in events, or what the plan has due by the trace's own times. Readers"
            " beside the load have a line of their own, in reads per second."
        ),
        draw=_throughput,
    ),
    Sketch(
        title="Latency",
        unit="ms",
        caption=(
            "Response times from the intended start; hot writes as the writer timed them. Solid: the median"
            " of each second; dotted: its p99. The scale is logarithmic."
        ),
        draw=_latency,
    ),
)

_OF_NODES: Final = (
    Sketch(
        title="Processor",
        unit="cores",
        caption="Processor cores that each node used.",
        draw=_cpu,
        part="whole",
    ),
    Sketch(
        title="Memory",
        unit="MiB",
        caption="Memory that each node's processes held.",
        draw=_memory,
        part="whole",
    ),
)
