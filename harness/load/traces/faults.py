"""What is wrong with the rows of a trace, by kind: counted, with examples, all at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import duckdb

from harness.documents import Document, FieldPath, shown
from harness.errors import Problem
from harness.load.traces.mapping import Mapping
from harness.load.traces.rules import Rule, contract_rules
from harness.load.traces.sql import literal, one_row

# Statements are put together from parts that harness/load/traces/sql.py has quoted.
# ruff: noqa: S608

_EXAMPLES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fault:
    """A kind of fault: which rows have it, which of their values to show, and what would be right.

    ``found`` is completed by the count and the examples.
    """

    place: FieldPath
    condition: str
    example: str
    found: str
    allowed: str


def faults_of(database: duckdb.DuckDBPyConnection, mapping: Mapping, document: Document) -> list[Problem]:
    """Every fault of the view ``trace``."""
    faults = [*_unparsed(mapping), *_missing(mapping), *_against_rules(mapping, contract_rules())]
    problems = [
        _problem(fault, document, count, examples)
        for fault, (count, examples) in zip(faults, _counted(database, faults), strict=True)
        if count
    ]
    return [*problems, *_repeated(database, document)]


def _unparsed(mapping: Mapping) -> Iterator[_Fault]:
    time = mapping.time
    named = f"column {time.column}" if time.column else f"columns {', '.join(time.columns())}"
    place = ("time",) if time.column is None else ("time", "from")
    expected = time.format if time.column else "the parts of a date that exists"
    yield _Fault(
        place=place,
        condition="time_ms IS NULL AND time_text IS NOT NULL",
        example="time_text",
        found=f"values that are not times ({named})",
        allowed=expected,
    )
    yield _Fault(
        place=place,
        condition="time_ms IS NULL AND time_text IS NULL",
        example="event_id",
        found=f"events without a time ({named})",
        allowed="a time in every row",
    )
    for field, kind in (("value", "numbers"), ("quantity", "whole numbers")):
        if field in mapping.fields.sources():
            yield _Fault(
                place=("fields", field),
                condition=f"{field}_text IS NOT NULL",
                example=f"{field}_text",
                found=f"values that are not {kind} ({_columns(mapping, field)})",
                allowed=f"{kind} of at most 64 bits, or a text that the mapping lists under nulls",
            )


def _missing(mapping: Mapping) -> Iterator[_Fault]:
    for rule in contract_rules():
        if rule.required and rule.name in mapping.fields.sources():
            yield _Fault(
                place=("fields", rule.name),
                condition=f"{rule.name} IS NULL",
                example="event_id",
                found=f"events without {rule.name} ({_columns(mapping, rule.name)})",
                allowed="a value in every row; if_null can give one",
            )


def _against_rules(mapping: Mapping, rules: Sequence[Rule]) -> Iterator[_Fault]:
    for rule in rules:
        if rule.name not in mapping.fields.sources():
            continue
        for condition, allowed in _limits(rule):
            yield _Fault(
                place=("fields", rule.name),
                condition=condition,
                example=f"{rule.name}::VARCHAR",
                found=f"values that break the contract ({_columns(mapping, rule.name)})",
                allowed=allowed,
            )


def _limits(rule: Rule) -> Iterator[tuple[str, str]]:
    """The rows that break each limit of a field, and the limit in words."""
    if rule.min_length is not None:
        yield f"length({rule.name}) < {rule.min_length}", f"at least {rule.min_length} characters"
    if rule.max_length is not None:
        yield f"length({rule.name}) > {rule.max_length}", f"at most {rule.max_length} characters"
    if rule.pattern is not None:
        yield f"NOT regexp_full_match({rule.name}, {literal(rule.pattern)})", f"the pattern {rule.pattern}"
    if rule.minimum is not None:
        yield f"{rule.name} < {rule.minimum}", f"at least {rule.minimum}"
    if rule.maximum is not None:
        yield f"{rule.name} > {rule.maximum}", f"at most {rule.maximum}"


def _counted(database: duckdb.DuckDBPyConnection, faults: Sequence[_Fault]) -> list[tuple[int, list[str]]]:
    aggregates = ", ".join(
        f"count(*) FILTER ({fault.condition}), min({fault.example}, {_EXAMPLES}) FILTER ({fault.condition})"
        for fault in faults
    )
    row = one_row(database, f"SELECT {aggregates} FROM trace")
    return [(row[n], row[n + 1] or []) for n in range(0, len(row), 2)]


def _problem(fault: _Fault, document: Document, count: int, examples: Sequence[str]) -> Problem:
    different = " or ".join(shown(example) for example in dict.fromkeys(examples))
    such_as = f", such as {different}" if different else ""
    found = f"{fault.found}: {count:,}{such_as}"
    return Problem(where=document.where(fault.place), found=found, allowed=fault.allowed)


def _repeated(database: duckdb.DuckDBPyConnection, document: Document) -> list[Problem]:
    repeated = (
        "SELECT event_id, count(*) - 1 AS surplus FROM trace"
        " WHERE event_id IS NOT NULL AND offset_ms IS NOT NULL GROUP BY event_id, offset_ms"
        " HAVING count(*) > 1"
    )
    surplus, examples = one_row(
        database, f"SELECT sum(surplus), min(event_id, {_EXAMPLES}) FROM ({repeated})"
    )
    if not surplus:
        return []
    fault = _Fault(
        place=("fields", "event_id"),
        condition="",
        example="",
        found="events whose (event_id, time) an earlier one has",
        allowed="an identity of its own for every event; a template can join several columns",
    )
    return [_problem(fault, document, surplus, examples)]


def _columns(mapping: Mapping, field: str) -> str:
    names = tuple(dict.fromkeys(mapping.fields.sources()[field].columns()))
    return f"column{'s' if len(names) > 1 else ''} {', '.join(names)}" if names else "a constant"
