"""The contract's quality rules as values: what is measured for one day of a table, and its limits.

pipeline/contract/quality_rules.py derives them from a contract.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pipeline.contract.odcs_quality import Dimension, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The numbers from ``low`` to ``high``, including both if ``inclusive``; None is no limit."""

    low: float | None = None
    high: float | None = None
    inclusive: bool = True

    def hold(self, measured: float) -> bool:
        """Return whether a number is within the limits."""
        if self.inclusive:
            return (self.low is None or self.low <= measured) and (self.high is None or measured <= self.high)
        return (self.low is None or self.low < measured) and (self.high is None or measured < self.high)

    def __str__(self) -> str:
        if self.low == self.high:
            return f"{self.low:g}"
        more, less = ("at least", "at most") if self.inclusive else ("more than", "less than")
        ends = ((more, self.low), (less, self.high))
        return " and ".join(f"{word} {end:g}" for word, end in ends if end is not None)


NONE: Final = Limits(low=0, high=0)
"""No violation is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityRule:
    """The fields common to all rules. Subclasses say what is measured; ``limits`` are in their unit."""

    id: str
    """Unique in the contract."""
    severity: Severity
    dimension: Dimension
    description: str
    """What is expected of the data, and why."""
    limits: Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class NullShare(QualityRule):
    """Rows whose ``field`` is null, in percent of all rows."""

    field: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicates(QualityRule):
    """Rows that repeat a combination of values of ``fields``, in rows."""

    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfRange(QualityRule):
    """Rows whose ``field`` is a number outside ``allowed``, in rows. Nulls count as inside."""

    field: str
    allowed: Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongLength(QualityRule):
    """Rows whose ``field`` is a text of a length outside ``allowed``, in rows. Lengths are in code points."""

    field: str
    allowed: Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch(QualityRule):
    """Rows whose ``field`` is a text that the pattern does not match as a whole, in rows."""

    field: str
    pattern: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmatched(QualityRule):
    """Rows whose ``field`` is missing from a reference table's ``column``, in percent of non-null ones."""

    field: str
    table: str
    column: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume(QualityRule):
    """The day's rows, in percent of the mean of those among the ``trailing_days`` before it that have rows.

    With fewer than ``min_days`` such days the rule does not apply.
    """

    trailing_days: int
    min_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness(QualityRule):
    """Minutes from the day's newest ``field`` until the day's end, or until now when that is earlier."""

    field: str


AnyRule = NullShare | Duplicates | OutOfRange | WrongLength | Mismatch | Unmatched | Volume | Freshness
