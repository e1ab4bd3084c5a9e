"""What a gate found. Light: whoever reads results needs neither Spark nor Great Expectations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from pipeline.contract.odcs_quality import Dimension, Severity

State = Literal["passed", "failed", "not_evaluated", "not_applicable"]
"""``not_evaluated``: nobody looked, or could; it is never as good as passed. ``not_applicable``: there was
nothing to judge by, as on the first days, which have no week before them."""
Verdict = Literal["promoted", "quarantined"]
Kind = Literal[
    "nulls", "duplicates", "range", "length", "pattern", "references", "volume", "freshness", "total"
]
Unit = Literal["%", "rows", "min"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedFile:
    """A file of a partner's that was not taken."""

    key: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One expectation, and what was observed of it."""

    rule: str
    kind: Kind
    subject: str
    """The fields that it is about; the table, when it is about no field."""
    severity: Severity
    dimension: Dimension
    description: str
    """The contract's words: what is expected, and why."""
    state: State
    observed: float | None
    """In ``unit``; None when it was not measured."""
    limit: str
    """In ``unit``, for people: ``less than 2``."""
    low: float | None
    high: float | None
    unit: Unit
    why: str = ""
    """Why it was not evaluated, or does not apply."""
    examples: tuple[Mapping[str, str | None], ...] = ()
    """Some of the rows that break it: their identity and the rule's fields, as texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """What a gate found of one table's day."""

    layer: str
    table: str
    day: date
    mode: Literal["evaluate", "skip"]
    rows: int | None
    """None when nobody counted."""
    outcomes: tuple[Outcome, ...]

    @property
    def verdict(self) -> Verdict:
        """Quarantined when an error is broken or could not be evaluated, unless the gate was told to skip."""
        return "quarantined" if self.mode == "evaluate" and self.stopped_by else "promoted"

    @property
    def stopped_by(self) -> tuple[Outcome, ...]:
        """The errors that are broken or could not be evaluated."""
        bad = ("failed", "not_evaluated")
        return tuple(o for o in self.outcomes if o.severity == "error" and o.state in bad)

    @property
    def warnings(self) -> tuple[Outcome, ...]:
        """The warnings that are broken or could not be evaluated."""
        bad = ("failed", "not_evaluated")
        return tuple(o for o in self.outcomes if o.severity == "warning" and o.state in bad)
