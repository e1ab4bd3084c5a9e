"""The results of a gate. Importing them imports neither Spark nor Great Expectations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from pipeline.contract.odcs_quality import Dimension, Severity

State = Literal["passed", "failed", "not_evaluated", "not_applicable"]
"""``not_evaluated``: it was not, or could not be, checked; never as good as passed. ``not_applicable``: there
was nothing to compare with, as on the first days, which have no week before them."""
Verdict = Literal["promoted", "quarantined"]
Kind = Literal[
    "nulls", "duplicates", "range", "length", "pattern", "references", "volume", "freshness", "total"
]
Unit = Literal["%", "rows", "min"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedFile:
    """A partner file that was not accepted."""

    key: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One expectation and what was observed."""

    rule: str
    kind: Kind
    subject: str
    """The fields that it concerns; the table if it concerns none."""
    severity: Severity
    dimension: Dimension
    description: str
    """The contract's description: what is expected, and why."""
    state: State
    observed: float | None
    """In ``unit``; None if it was not measured."""
    limit: str
    """In ``unit``, for display: ``less than 2``."""
    low: float | None
    high: float | None
    unit: Unit
    why: str = ""
    """Why it was not evaluated, or does not apply."""
    examples: tuple[Mapping[str, str | None], ...] = ()
    """Some of the violating rows: their identity and the rule's fields, as texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """A gate's result for one day of a table."""

    layer: str
    table: str
    day: date
    mode: Literal["evaluate", "skip"]
    rows: int | None
    """None if rows were not counted."""
    outcomes: tuple[Outcome, ...]

    @property
    def verdict(self) -> Verdict:
        """Quarantined if an error was violated or could not be evaluated, unless the gate was set to skip."""
        return "quarantined" if self.mode == "evaluate" and self.stopped_by else "promoted"

    @property
    def stopped_by(self) -> tuple[Outcome, ...]:
        """The errors that were violated or could not be evaluated."""
        bad = ("failed", "not_evaluated")
        return tuple(o for o in self.outcomes if o.severity == "error" and o.state in bad)

    @property
    def warnings(self) -> tuple[Outcome, ...]:
        """The warnings that were violated or could not be evaluated."""
        bad = ("failed", "not_evaluated")
        return tuple(o for o in self.outcomes if o.severity == "warning" and o.state in bad)
