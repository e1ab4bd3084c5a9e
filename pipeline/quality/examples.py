"""Collects examples of rows that violate rules, for people to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipeline.contract.quality import Duplicates
from pipeline.quality.measures import broken
from pipeline.quality.table_rules import Rule, fields_of

MOST: Final = 5
_LONGEST: Final = 200
"""Longer texts are cut to this many characters."""

Example = Mapping[str, str | None]


def examples(
    frame: DataFrame, rules: Sequence[Rule], identity: Sequence[str]
) -> tuple[tuple[Example, ...], ...]:
    """Return, for each rule, its first violations by identity, as texts, in one query for all rules.

    Rules about the whole table have no examples.
    """
    queries = {number: _query(frame, rule, identity) for number, rule in enumerate(rules)}
    per_row = {number: query for number, query in queries.items() if query is not None}
    found: dict[int, list[Example]] = {number: [] for number in queries}
    if per_row:
        parts = [
            query.select(
                F.lit(number).alias("rule"), F.array(*(_text(query, name) for name in query.columns))
            )
            for number, query in per_row.items()
        ]
        for number, texts in reduce(DataFrame.unionAll, parts).collect():
            found[number].append(dict(zip(per_row[number].columns, texts, strict=True)))
    return tuple(map(tuple, found.values()))


def _query(frame: DataFrame, rule: Rule, identity: Sequence[str]) -> DataFrame | None:
    """Return the first rows that violate the rule; None for a rule about the whole table."""
    if isinstance(rule, Duplicates):
        copies = frame.groupBy(*rule.fields).agg(F.count(F.lit(1)).alias("rows")).where("rows > 1")
        return _first(copies, [*rule.fields, "rows"], rule.fields)
    condition = broken(rule)
    names = list(dict.fromkeys((*identity, *fields_of(rule))))
    return None if condition is None else _first(frame.where(condition), names, identity)


def _first(frame: DataFrame, names: Sequence[str], order: Sequence[str]) -> DataFrame:
    present = [name for name in names if name in frame.columns]
    keys = [name for name in order if name in frame.columns]
    # Spark only keeps and sends the first few of each partition.
    return frame.orderBy(*keys).limit(MOST).select(*present)


def _text(frame: DataFrame, name: str) -> Column:
    """Return a column as text, including binary and nested values."""
    simple = frame.schema[name].dataType.typeName() not in {"map", "struct", "array", "variant"}
    text = F.col(name).cast("string") if simple else F.to_json(name)
    return F.substring(text, 1, _LONGEST)
