"""What the stages of the stream job took, as figures, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from harness.cli.output import print_table


@dataclass(frozen=True, slots=True, kw_only=True)
class StageResult:
    """One stage, measured."""

    name: str
    adds: str
    events: int
    run_s: float
    taskmanager_cpu_s: float
    broker_cpu_s: float
    tasks: tuple[str, ...]

    @property
    def events_per_s(self) -> float:
        """The rate while the job ran."""
        return self.events / self.run_s

    @property
    def taskmanager_per_million(self) -> float:
        """Processor seconds of the TaskManager for a million events."""
        return self.taskmanager_cpu_s / self.events * 1e6

    @property
    def broker_per_million(self) -> float:
        """Processor seconds of the broker for a million events."""
        return self.broker_cpu_s / self.events * 1e6

    @property
    def per_million(self) -> float:
        """Processor seconds of both for a million events."""
        return self.taskmanager_per_million + self.broker_per_million


@dataclass(frozen=True, slots=True)
class StreamResults:
    """The stages in their order."""

    stages: tuple[StageResult, ...]

    def added(self) -> tuple[float, ...]:
        """What each stage adds to the one before it, in processor seconds of both for a million events."""
        return (
            self.stages[0].per_million,
            *(b.per_million - a.per_million for a, b in pairwise(self.stages)),
        )

    def slowest(self) -> tuple[StageResult, float]:
        """The stage that adds most, and how much."""
        return max(zip(self.stages, self.added(), strict=True), key=lambda one: one[1])

    def as_json(self) -> list[dict[str, object]]:
        """An object a stage."""
        return [
            {
                "name": stage.name,
                "adds": stage.adds,
                "events": stage.events,
                "run_s": stage.run_s,
                "events_per_s": round(stage.events_per_s, 1),
                "taskmanager_cpu_s_per_million": round(stage.taskmanager_per_million, 3),
                "broker_cpu_s_per_million": round(stage.broker_per_million, 3),
                "added_cpu_s_per_million": round(added, 3),
                "tasks": stage.tasks,
            }
            for stage, added in zip(self.stages, self.added(), strict=True)
        ]

    def show(self, title: str) -> None:
        """The table for people."""
        columns = ("stage", "it adds", "events/s", "TaskManager", "broker", "added")
        print_table(title, columns, self._rows())

    def _rows(self) -> Sequence[tuple[str, ...]]:
        return [
            (
                stage.name,
                stage.adds,
                f"{stage.events_per_s:,.0f}",
                f"{stage.taskmanager_per_million:.1f}",
                f"{stage.broker_per_million:.1f}",
                f"{added:+.1f}",
            )
            for stage, added in zip(self.stages, self.added(), strict=True)
        ]
