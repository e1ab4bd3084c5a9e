"""A task of the lake, and the record of a run: what it read, what it wrote, and how it ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from pipeline.quality.result import GateResult, RefusedFile

Outcome = Literal["promoted", "quarantined", "held_back"]
"""Published where readers look; kept in quarantine, because a gate failed; or not started, because an earlier
task was not promoted."""


_BAD: Final = ("failed", "not_evaluated")
_REJECTED: Final = "rejected:"


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Input(_Value):
    """One input of a task."""

    name: str
    """A table's name, or an object's key."""
    version: str
    """The table's version, or the object's ETag."""


def reject_counts(rejects: Mapping[str, int]) -> Mapping[str, int]:
    """Return rejects by reason as entries of ``TaskResult.counts``."""
    return {f"{_REJECTED}{reason}": rows for reason, rows in sorted(rejects.items())}


class Output(_Value):
    """One table that a task wrote."""

    table: str
    version: int
    rows: int
    """Rows of the day, or of the whole table if it has no days."""
    files: int
    bytes: int


class Expectation(_Value):
    """A gate's result for one rule."""

    rule: str
    severity: Literal["error", "warning"]
    result: Literal["passed", "failed", "not_evaluated", "not_applicable"]
    observed: str
    limit: str


class Gate(_Value):
    """The quality check after a layer, for one day."""

    layer: str
    expectations: tuple[Expectation, ...]

    @property
    def failed(self) -> tuple[str, ...]:
        """The rules that keep a day back: errors that were violated or not evaluated."""
        return tuple(e.rule for e in self.expectations if e.severity == "error" and e.result in _BAD)

    @property
    def warnings(self) -> tuple[str, ...]:
        """The violated rules that are only reported."""
        return tuple(e.rule for e in self.expectations if e.severity == "warning" and e.result == "failed")


class Landings(_Value):
    """What the landing table had received by the end of a landing."""

    version: int = -1
    """The table's version; -1 without a table."""
    days: dict[date, int] = {}
    """For each day, the newest version of the table that added records to it."""


class TaskResult(_Value):
    """What a run of a task produced."""

    outcome: Outcome
    inputs: tuple[Input, ...] = ()
    outputs: tuple[Output, ...] = ()
    counts: dict[str, int] = {}
    """Rows by outcome: ``read``, ``written``, ``rejected:<reason>``."""
    gates: tuple[GateResult, ...] = ()
    """The gate results of the layer's tables."""
    refused_files: tuple[RefusedFile, ...] = ()
    """Partner files that were left out; the rest was taken."""
    landings: Landings | None = None
    """Set by landing only."""
    notes: tuple[str, ...] = ()
    """Further remarks for operators, such as what held the task back."""

    @property
    def rejects(self) -> Mapping[str, int]:
        """Rejected rows by reason."""
        return {
            name.removeprefix(_REJECTED): rows
            for name, rows in self.counts.items()
            if name.startswith(_REJECTED)
        }

    def rows_in(self, table: str) -> int:
        """Return the rows that were written to a table."""
        return sum(output.rows for output in self.outputs if output.table == table)

    @property
    def gate(self) -> Gate | None:
        """The results of all gates of the layer combined; None without any gate."""
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
    """One run of a task."""

    task: str
    day: date | None
    """None for a task that does not belong to one day."""
    number: int
    """Counts the runs of the task for the day, from 1."""
    began_at: datetime
    ended_at: datetime
    cpu_s: float
    """CPU seconds of this process and of Spark's."""
    result: TaskResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One node of a day's graph. Running it again with the same inputs produces the same content."""

    name: str
    after: tuple[str, ...]
    """The tasks whose outputs it reads."""
    run: Callable[[date], TaskResult]
    """Raises subclasses of PipelineError."""
    even_if_kept_back: bool = False
    """Whether it runs whatever the outcome of the tasks before it."""
