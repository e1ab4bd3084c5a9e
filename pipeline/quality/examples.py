"""Some of the rows that break rules, for people to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
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


def examples(
    frame: DataFrame, rules: Sequence[Rule], identity: Sequence[str]
) -> tuple[tuple[Example, ...], ...]:
    """For each rule the first few in the order of their identity, as texts, in one query for all.

    None for a rule about the whole table.
    """
    looks = {number: _look(frame, rule, identity) for number, rule in enumerate(rules)}
    asked = {number: look for number, look in looks.items() if look is not None}
    found: dict[int, list[Example]] = {number: [] for number in looks}
    if asked:
        parts = [
            look.select(F.lit(number).alias("rule"), F.array(*(_text(look, name) for name in look.columns)))
            for number, look in asked.items()
        ]
        for number, texts in reduce(DataFrame.unionAll, parts).collect():
            found[number].append(dict(zip(asked[number].columns, texts, strict=True)))
    return tuple(map(tuple, found.values()))


def _look(frame: DataFrame, rule: Rule, identity: Sequence[str]) -> DataFrame | None:
    """The first rows that break the rule."""
    if isinstance(rule, Duplicates):
        copies = frame.groupBy(*rule.fields).agg(F.count(F.lit(1)).alias("rows")).where("rows > 1")
        return _first(copies, [*rule.fields, "rows"], rule.fields)
    condition = broken(rule)
    names = list(dict.fromkeys((*identity, *fields_of(rule))))
    return None if condition is None else _first(frame.where(condition), names, identity)


def _first(frame: DataFrame, names: Sequence[str], order: Sequence[str]) -> DataFrame:
    there = [name for name in names if name in frame.columns]
    keys = [name for name in order if name in frame.columns]
    # Spark keeps the first few of each partition and sends no more than those.
    return frame.orderBy(*keys).limit(MOST).select(*there)


def _text(frame: DataFrame, name: str) -> Column:
    """Binary and nested values, too."""
    simple = frame.schema[name].dataType.typeName() not in {"map", "struct", "array", "variant"}
    text = F.col(name).cast("string") if simple else F.to_json(name)
    return F.substring(text, 1, _LONGEST)
