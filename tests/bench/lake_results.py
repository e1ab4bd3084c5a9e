"""What the steps of the lake took: tables for people, and JSON, with what each figure is made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from harness.cli.output import print_table
from tests.bench.lake_meter import Used


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """One step, measured over one day."""

    layer: str
    name: str
    adds: str
    events: int
    """Of Bronze, whatever the layer."""
    used: Used
    """Of its runs the one that took the least processor time, since what disturbs only adds."""
    commits: int

    @property
    def events_per_s(self) -> float:
        """The rate while it ran."""
        return self.events / self.used.run_s

    @property
    def cpu_s_per_million(self) -> float:
        """Processor seconds for a million events."""
        return self.used.cpu_s / self.events * 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """A step's processor time as a line through two sizes of a day."""

    fixed_s: float
    """Of a day with no events."""
    per_million_s: float
    """Of each million events."""

    @staticmethod
    def of(small: StepResult, large: StepResult) -> Cost:
        """The line through both."""
        per_event_s = (large.used.cpu_s - small.used.cpu_s) / (large.events - small.events)
        fixed_s = small.used.cpu_s - per_event_s * small.events
        return Cost(fixed_s=fixed_s, per_million_s=per_event_s * 1e6)


@dataclass(frozen=True, slots=True, kw_only=True)
class DayResults:
    """Every step over a day of one size: of each layer the floor first, and each other step after the one
    that it adds to."""

    first: Mapping[str, Used]
    """What the pipeline's tasks took the first time, by layer: of the first day in a session with nothing
    loaded and compiled."""
    steps: tuple[StepResult, ...]

    def floor(self, step: StepResult) -> StepResult:
        """The first step of the layer."""
        return next(other for other in self.steps if other.layer == step.layer)

    def as_json(self) -> list[dict[str, object]]:
        """An object a step."""
        return [
            {
                "layer": step.layer,
                "name": step.name,
                "adds": step.adds,
                "events": step.events,
                **rounded(step.used),
                "commits": step.commits,
                "events_per_s": round(step.events_per_s, 1),
                "cpu_s_per_million": round(step.cpu_s_per_million, 3),
                "times_floor": round(step.used.cpu_s / self.floor(step).used.cpu_s, 2),
            }
            for step in self.steps
        ]

    def show(self) -> None:
        """The table for people."""
        columns = (
            *("layer", "step", "it adds", "s", "events/s", "CPU s a million", "x floor"),
            *("CPU s in tasks", "stages", "tasks", "MB shuffled", "commits"),
        )
        print_table(f"A day of {self.steps[0].events:,} events (measured)", columns, self._rows())

    def _rows(self) -> Iterator[tuple[str, ...]]:
        for step in self.steps:
            used = step.used
            yield (
                step.layer,
                step.name,
                step.adds,
                f"{used.run_s:.1f}",
                f"{step.events_per_s:,.0f}",
                f"{step.cpu_s_per_million:,.1f}",
                f"{used.cpu_s / self.floor(step).used.cpu_s:.1f}",
                f"{used.task_cpu_s:.1f} of {used.cpu_s:.1f}",
                f"{used.stages}",
                f"{used.tasks}",
                f"{used.shuffled_bytes / 1e6:,.0f}",
                f"{step.commits}",
            )


def rounded(used: Used) -> dict[str, float]:
    """As it is written down."""
    return {name: round(value, 3) for name, value in asdict(used).items()}


def costs(small: DayResults, large: DayResults) -> list[tuple[StepResult, Cost]]:
    """What each step takes however small the day is, and what it takes of each event."""
    return [(two, Cost.of(one, two)) for one, two in zip(small.steps, large.steps, strict=True)]


def show_costs(found: Sequence[tuple[StepResult, Cost]]) -> None:
    """The table for people."""
    columns = ("layer", "step", "fixed, CPU s a day", "proportional, CPU s a million")
    rows = [
        (step.layer, step.name, f"{cost.fixed_s:.1f}", f"{cost.per_million_s:.1f}") for step, cost in found
    ]
    print_table("Fixed and proportional, by a line through both sizes", columns, rows)


def costs_json(found: Sequence[tuple[StepResult, Cost]]) -> list[dict[str, object]]:
    """An object a step."""
    return [
        {
            "layer": step.layer,
            "name": step.name,
            "fixed_cpu_s": round(cost.fixed_s, 3),
            "proportional_cpu_s_per_million": round(cost.per_million_s, 3),
        }
        for step, cost in found
    ]
