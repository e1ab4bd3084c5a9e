"""A task of the lake: what it read, what it wrote, and how that ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from pipeline.quality.result import GateResult, RefusedFile

Outcome = Literal["promoted", "quarantined", "held_back"]
"""Written where its readers look; kept apart, since its gate failed; or not begun, since a task before it was
not promoted."""


_BAD: Final = ("failed", "not_evaluated")
_REJECTED: Final = "rejected:"


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Input(_Value):
    """Something that a task read."""

    name: str
    """A table, or an object's key."""
    version: str
    """The table's version, or the object's ETag."""


def reject_counts(rejects: Mapping[str, int]) -> Mapping[str, int]:
    """``TaskResult.counts`` of rejects by reason."""
    return {f"{_REJECTED}{reason}": rows for reason, rows in sorted(rejects.items())}


class Output(_Value):
    """A table that a task wrote."""

    table: str
    version: int
    rows: int
    """Of the day, or of the whole table where it has no days."""
    files: int
    bytes: int


class Expectation(_Value):
    """What a gate found of one rule."""

    rule: str
    severity: Literal["error", "warning"]
    result: Literal["passed", "failed", "not_evaluated", "not_applicable"]
    observed: str
    limit: str


class Gate(_Value):
    """The quality check behind a layer, for one day."""

    layer: str
    expectations: tuple[Expectation, ...]

    @property
    def failed(self) -> tuple[str, ...]:
        """The rules that keep a day back: critical ones that do not hold, or were not looked at."""
        return tuple(e.rule for e in self.expectations if e.severity == "error" and e.result in _BAD)

    @property
    def warnings(self) -> tuple[str, ...]:
        """The rules that are told of, and keep nothing back."""
        return tuple(e.rule for e in self.expectations if e.severity == "warning" and e.result == "failed")


class Landings(_Value):
    """What the landing table had received when a landing ended."""

    version: int = -1
    """Of the table; -1 when there was none."""
    days: dict[date, int] = {}
    """Of each day, the newest version of the table that has new records of it."""


class TaskResult(_Value):
    """What a task says of itself."""

    outcome: Outcome
    inputs: tuple[Input, ...] = ()
    outputs: tuple[Output, ...] = ()
    counts: dict[str, int] = {}
    """Rows by what became of them: ``read``, ``written``, ``rejected:<reason>``."""
    gates: tuple[GateResult, ...] = ()
    """What was found of each table of the layer that has a gate."""
    refused_files: tuple[RefusedFile, ...] = ()
    """Of partners: they were left out, and the rest was taken."""
    landings: Landings | None = None
    """Of landing alone."""
    notes: tuple[str, ...] = ()
    """What else an operator should read, such as what held the task back."""

    @property
    def rejects(self) -> Mapping[str, int]:
        """Rows that were rejected, by reason."""
        return {
            name.removeprefix(_REJECTED): rows
            for name, rows in self.counts.items()
            if name.startswith(_REJECTED)
        }

    def rows_in(self, table: str) -> int:
        """The rows that were written to a table."""
        return sum(output.rows for output in self.outputs if output.table == table)

    @property
    def gate(self) -> Gate | None:
        """What all gates of the layer found together; None without any."""
        if not self.gates:
            return None
        many = len(self.gates) > 1
        return Gate(
            layer=self.gates[0].layer,
            expectations=tuple(
                Expectation(
                    rule=f"{gate.table}: {found.rule}" if many else found.rule,
                    severity=found.severity,
                    result=found.state,
                    observed="" if found.observed is None else f"{found.observed:.6g} {found.unit}",
                    limit=f"{found.limit} {found.unit}",
                )
                for gate in self.gates
                for found in gate.outcomes
            ),
        )


class TaskRecord(_Value):
    """One carrying out of a task."""

    task: str
    day: date | None
    """None for a task that is not of one day."""
    number: int
    """Counts the times that the task was carried out for the day, from 1."""
    began_at: datetime
    ended_at: datetime
    cpu_s: float
    """Processor seconds of this process and Spark's."""
    result: TaskResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One node of a day's graph. Carried out again with the same inputs, it leaves the same content."""

    name: str
    after: tuple[str, ...]
    """The tasks whose output it reads."""
    run: Callable[[date], TaskResult]
    """Raises PipelineError's kinds."""
    even_if_kept_back: bool = False
    """Whether it is carried out whatever became of the tasks before it."""
