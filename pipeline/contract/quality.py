"""The contract's quality rules as values: what is measured of one day of a table, and within which limits.

pipeline/contract/quality_rules.py makes them from a contract.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pipeline.contract.odcs_quality import Dimension, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The numbers from ``low`` to ``high``, both among them when ``inclusive``; None is no limit."""

    low: float | None = None
    high: float | None = None
    inclusive: bool = True

    def hold(self, measured: float) -> bool:
        """Whether the number is within."""
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
"""Not one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityRule:
    """What every rule has. Subclasses say what is measured; ``limits`` are in their unit."""

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
    """Rows beyond the first of each combination of values of ``fields``, in rows."""

    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfRange(QualityRule):
    """Rows whose ``field`` is a number outside ``allowed``, in rows. Nulls are in every range."""

    field: str
    allowed: Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongLength(QualityRule):
    """Rows whose ``field`` is a text of a length outside ``allowed``, in rows. Lengths are in code points."""

    field: str
    allowed: Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch(QualityRule):
    """Rows whose ``field`` is a text that is not, as a whole, of the regular expression, in rows."""

    field: str
    pattern: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmatched(QualityRule):
    """Rows whose ``field`` is not in ``column`` of a reference table, in percent of those that have one."""

    field: str
    table: str
    column: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume(QualityRule):
    """The day's rows, in percent of the mean of the days before it that have rows.

    Of the ``trailing_days`` before it; when fewer than ``min_days`` have rows there is nothing to judge by.
    """

    trailing_days: int
    min_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness(QualityRule):
    """Minutes from the day's newest ``field`` until the day's end, or until now when that is earlier."""

    field: str


AnyRule = NullShare | Duplicates | OutOfRange | WrongLength | Mismatch | Unmatched | Volume | Freshness
