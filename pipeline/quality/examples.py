"""Some of the rows that break a rule, for people to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipeline.contract.quality import Duplicates
from pipeline.quality.measures import broken
from pipeline.quality.rules import Rule, fields_of

MOST: Final = 5
_LONGEST: Final = 200
"""In characters: what is longer is cut."""

Example = Mapping[str, str | None]


def examples(frame: DataFrame, rule: Rule, identity: Sequence[str]) -> tuple[Example, ...]:
    """The first few in the order of their identity, as texts; none for a rule about the whole table."""
    names = list(dict.fromkeys((*identity, *fields_of(rule))))
    if isinstance(rule, Duplicates):
        copies = frame.groupBy(*rule.fields).agg(F.count(F.lit(1)).alias("rows")).where("rows > 1")
        return _first(copies, [*rule.fields, "rows"], rule.fields)
    condition = broken(rule)
    return () if condition is None else _first(frame.where(condition), names, identity)


def _first(frame: DataFrame, names: Sequence[str], order: Sequence[str]) -> tuple[Example, ...]:
    there = [name for name in names if name in frame.columns]
    keys = [name for name in order if name in frame.columns]
    # Spark keeps the first few of each partition and sends no more than those.
    rows = frame.orderBy(*keys).limit(MOST).select(*(_text(frame, name) for name in there)).collect()
    return tuple(row.asDict() for row in rows)


def _text(frame: DataFrame, name: str) -> Column:
    """Binary and nested values, too."""
    simple = frame.schema[name].dataType.typeName() not in {"map", "struct", "array", "variant"}
    text = F.col(name).cast("string") if simple else F.to_json(name)
    return F.substring(text, 1, _LONGEST).alias(name)
