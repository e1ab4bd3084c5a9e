"""Measures a day for its rules: Spark computes one row of figures in a single pass."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipeline.contract.quality import (
    Duplicates,
    Freshness,
    Limits,
    Mismatch,
    NullShare,
    OutOfRange,
    Unmatched,
    Volume,
    WrongLength,
)
from pipeline.quality.table_rules import Rule, Total

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


_MINUTE_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class GateContext:
    """What a gate needs besides the rows of the day: earlier days and reference tables."""

    now: datetime
    """The time on the event clock, with its zone."""
    daily_rows: Mapping[date, int] = field(default_factory=dict)
    """Rows of the same table by day; days without rows may be absent. Only earlier days count."""
    references: Mapping[str, DataFrame] = field(default_factory=dict)
    """Reference tables by name."""
    source_rows: Mapping[str, int] = field(default_factory=dict)
    """Rows of the day in the source tables, by table."""

    def trailing(self, day: date, days: int) -> Mapping[date, int]:
        """Return the rows of those among the ``days`` before ``day`` that have any."""
        before = (day - timedelta(days=back) for back in range(days, 0, -1))
        return {earlier: rows for earlier in before if (rows := self.daily_rows.get(earlier, 0)) > 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A rule's figure in its unit; without one, the reason, and whether the rule applies at all."""

    value: float | None = None
    why: str = ""
    applicable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Figure:
    """What Spark computed for a rule."""

    value: Any
    of: int
    """The number of rows that a share refers to."""
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The measurements of a day."""

    rows: int
    by_rule: Mapping[str, Measurement]


def with_matches(frame: DataFrame, rules: Iterable[Rule], references: Mapping[str, DataFrame]) -> DataFrame:
    """Add a column per reference that says whether it is known, unless the rows already have it.

    Reference tables are small: their keys are broadcast, so the day is not shuffled.
    """
    wanted = {(rule.field, rule.table, rule.column) for rule in rules if isinstance(rule, Unmatched)}
    for name, table, column in sorted(wanted):
        if match_name(name, table, column) in frame.columns:
            continue
        known = references[table].select(F.col(column).alias(name)).dropna().distinct()
        flag = F.lit(True).alias(match_name(name, table, column))
        frame = frame.join(F.broadcast(known.select(name, flag)), name, "left")
    return frame


def match_name(field: str, table: str, column: str) -> str:
    """Return the name of the column that ``with_matches`` adds."""
    return f"_{field}_in_{table}_{column}"


def measure(frame: DataFrame, rules: Sequence[Rule], day: date, context: GateContext) -> Measured:
    """Measure all rules in one pass over the frame of ``with_matches``. Spark's errors propagate."""
    # Numbered, because a rule's name may contain a dot, which Spark would take for a path.
    figures = [_figure(rule).alias(f"figure_{number}") for number, rule in enumerate(rules)]
    totals = [_total(rule).alias(f"of_{number}") for number, rule in enumerate(rules)]
    found = frame.agg(F.count(F.lit(1)).alias("rows"), *figures, *totals).collect()[0]
    by_rule = {}
    for number, rule in enumerate(rules):
        figure = _Figure(value=found[f"figure_{number}"], of=found[f"of_{number}"], rows=found["rows"])
        by_rule[rule.id] = _measurement(rule, figure, day, context)
    return Measured(rows=found["rows"], by_rule=by_rule)


def broken(rule: Rule) -> Column | None:
    """Return whether a row violates the rule; None for a rule that is not about single rows."""
    match rule:
        case NullShare():
            return F.col(rule.field).isNull()
        case OutOfRange():
            return ~_within(F.col(rule.field), rule.allowed)
        case WrongLength():
            return ~_within(F.char_length(rule.field), rule.allowed)
        case Mismatch():
            return ~F.col(rule.field).rlike(rf"\A(?:{rule.pattern})\z")
        case Unmatched():
            flag = F.col(match_name(rule.field, rule.table, rule.column))
            return F.col(rule.field).isNotNull() & flag.isNull()
    return None


def _within(number: Column, limits: Limits) -> Column:
    """Return whether a number is within limits; null for null."""
    holds = F.lit(True)
    if limits.low is not None:
        holds = holds & ((number >= limits.low) if limits.inclusive else (number > limits.low))
    if limits.high is not None:
        holds = holds & ((number <= limits.high) if limits.inclusive else (number < limits.high))
    return F.when(number.isNotNull(), holds)


def _figure(rule: Rule) -> Column:
    """Return the expression that Spark computes for the rule."""
    match rule:
        case Duplicates():
            # A struct is never null; a distinct count of columns would skip rows with a null.
            return F.count(F.lit(1)) - F.count_distinct(F.struct(*rule.fields))
        case Freshness():
            return F.unix_millis(F.max(rule.field))
        case Total():
            return F.coalesce(F.sum(rule.field), F.lit(0))
        case Volume():
            return F.count(F.lit(1))
    condition = broken(rule)
    if condition is None:
        raise TypeError(f"{type(rule).__name__}: nothing says how this rule is measured")
    return F.count_if(condition)


def _total(rule: Rule) -> Column:
    """Return the number of rows that a share refers to: those with a reference, or all."""
    return F.count(rule.field if isinstance(rule, Unmatched) else F.lit(1))


def _measurement(rule: Rule, figure: _Figure, day: date, context: GateContext) -> Measurement:
    if isinstance(rule, Volume):
        return _volume(rule, figure.rows, day, context)
    if isinstance(rule, Total):
        return Measurement(value=float(figure.value - context.source_rows[rule.of]))
    if figure.rows == 0:
        return Measurement(why="the day has no rows")
    if isinstance(rule, Freshness):
        return _freshness(rule, figure.value, day, context.now)
    return _rows(rule, figure)


def _rows(rule: Rule, figure: _Figure) -> Measurement:
    """Measure a rule about single rows: the number or share of violations."""
    if isinstance(rule, Unmatched) and figure.of == 0:
        return Measurement(why=f"no row has a {rule.field}", applicable=False)
    share = isinstance(rule, NullShare | Unmatched)
    return Measurement(value=100 * figure.value / figure.of if share else float(figure.value))


def _volume(rule: Volume, rows: int, day: date, context: GateContext) -> Measurement:
    trailing = context.trailing(day, rule.trailing_days)
    if len(trailing) < rule.min_days:
        had = f"{len(trailing)} of the {rule.trailing_days} days before have rows"
        return Measurement(why=f"{had}; {rule.min_days} are needed to judge by", applicable=False)
    return Measurement(value=100 * rows * len(trailing) / sum(trailing.values()))


def _freshness(rule: Freshness, newest_ms: int | None, day: date, now: datetime) -> Measurement:
    if newest_ms is None:
        return Measurement(why=f"no row has a {rule.field}")
    day_end = datetime.combine(day + timedelta(days=1), time(), UTC)
    return Measurement(value=(min(day_end, now).timestamp() - newest_ms / 1000) / _MINUTE_S)
