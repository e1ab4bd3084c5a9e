"""Finds all faulty rows of a trace, counted by kind of fault and with examples."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import duckdb

from harness.base.documents import Document, FieldPath, shown
from harness.base.errors import Problem
from harness.load.contract_rules import Rule, contract_rules
from harness.load.traces.lines import lines_of_rows
from harness.load.traces.mapping import Mapping
from harness.load.traces.sql import literal, one_row
from harness.load.traces.trace_file import TraceFile

# Statements are assembled from parts quoted by harness/load/traces/sql.py.
# ruff: noqa: S608

_EXAMPLES: Final = 3
_ISO: Final = "ISO 8601, such as 2024-05-01T08:00:00.25+02:00"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fault:
    """A kind of fault: the condition for rows, the value to show, and what is allowed.

    The count and the examples are appended to ``found``.
    """

    place: FieldPath
    condition: str
    example: str
    found: str
    allowed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceRows:
    """The files of a trace, and the number of rows in each."""

    files: Sequence[TraceFile]
    counts: Sequence[int]

    def places(self, rows: Collection[int]) -> dict[int, str]:
        """The place in its files of each row of the trace, counted from 0."""
        places: dict[int, str] = {}
        first = 0
        for file, count in zip(self.files, self.counts, strict=True):
            inside = {row - first for row in rows if first <= row < first + count}
            places |= {first + row: place for row, place in lines_of_rows(file, inside).items()}
            first += count
        return places


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """The rows with a fault: their count, the first, and some of their values."""

    fault: _Fault
    count: int
    first: int
    examples: Sequence[str]


def faults_of(
    database: duckdb.DuckDBPyConnection, rows: TraceRows, mapping: Mapping, document: Document
) -> list[Problem]:
    """Return every fault in the view ``trace``."""
    faults = [*_unparsed(mapping), *_missing(mapping), *_against_rules(mapping, contract_rules())]
    found = [*_found(database, faults), *_repeated(database, mapping)]
    places = rows.places({fault.first for fault in found}) if found else {}
    return [_problem(fault, document, places.get(fault.first, "")) for fault in found]


def _unparsed(mapping: Mapping) -> Iterator[_Fault]:
    time = mapping.time
    named = f"column {time.column}" if time.column else f"columns {', '.join(time.columns())}"
    place = ("time",) if time.column is None else ("time", "from")
    expected = _ISO if time.format == "iso8601" else time.format
    if time.column is None:
        expected = "the parts of a date that exists"
    yield _Fault(
        place=place,
        condition="time_ms IS NULL AND time_text IS NOT NULL",
        example="time_text",
        found=f"values that are not times ({named})",
        allowed=expected,
    )
    yield _Fault(
        place=place,
        condition="gap_text IS NOT NULL",
        example="gap_text",
        found=f"times that do not exist in {time.timezone}, where clocks skipped them ({named})",
        allowed="times that exist in that zone, or the correct time.timezone",
    )
    yield _Fault(
        place=place,
        condition="time_ms IS NULL AND time_text IS NULL AND gap_text IS NULL",
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
                allowed=f"{kind} of at most 64 bits, or a text listed under nulls in the mapping",
            )


def _missing(mapping: Mapping) -> Iterator[_Fault]:
    for rule in contract_rules():
        if rule.required and rule.name in mapping.fields.sources():
            yield _Fault(
                place=("fields", rule.name),
                condition=f"{rule.name} IS NULL",
                example="event_id",
                found=f"events without {rule.name} ({_columns(mapping, rule.name)})",
                allowed="a value in every row; if_null can supply one",
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
    """For each limit of a field: the SQL condition that breaks it, and the limit in words."""
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


def _found(database: duckdb.DuckDBPyConnection, faults: Sequence[_Fault]) -> Iterator[_Rows]:
    """Count all faults in one query first: usually there are none, and examples cost more."""
    counts = one_row(
        database,
        f"SELECT {', '.join(f'count(*) FILTER ({fault.condition})' for fault in faults)} FROM trace",
    )
    for fault, count in zip(faults, counts, strict=True):
        if count:
            first, examples = one_row(
                database,
                f"SELECT min(row), min({fault.example}, {_EXAMPLES}) FROM trace WHERE {fault.condition}",
            )
            yield _Rows(fault=fault, count=count, first=first, examples=examples or [])


def _problem(rows: _Rows, document: Document, place: str) -> Problem:
    different = " or ".join(shown(example) for example in dict.fromkeys(rows.examples))
    such_as = f", such as {different}" if different else ""
    first = f", first in {place}" if place else ""
    found = f"{rows.fault.found}: {rows.count:,}{such_as}{first}"
    return Problem(where=document.where(rows.fault.place), found=found, allowed=rows.fault.allowed)


def _repeated(database: duckdb.DuckDBPyConnection, mapping: Mapping) -> Iterator[_Rows]:
    if mapping.fields.event_id.row_number:
        return  # row numbers are unique
    repeated = (
        "SELECT event_id, offset_ms, count(*) - 1 AS surplus FROM trace"
        " WHERE event_id IS NOT NULL AND offset_ms IS NOT NULL GROUP BY event_id, offset_ms"
        " HAVING count(*) > 1"
    )
    # Comparing numbers costs half as much as comparing texts, and is usually enough.
    (some,) = one_row(database, "SELECT count(*) > count(DISTINCT hash(event_id, offset_ms)) FROM trace")
    if not some:
        return
    (surplus,) = one_row(database, f"SELECT sum(surplus) FROM ({repeated})")
    if not surplus:
        return
    first, examples = one_row(
        database,
        f"SELECT min(again), min(event_id, {_EXAMPLES}) FROM (SELECT event_id, min(row, 2)[2] AS again"
        f" FROM trace SEMI JOIN ({repeated}) USING (event_id, offset_ms) GROUP BY event_id, offset_ms)",
    )
    fault = _Fault(
        place=("fields", "event_id"),
        condition="",
        example="",
        found="events that repeat the (event_id, time) of an earlier one",
        allowed="a unique identity for every event; a template can join several columns, and"
        " {row_number: true} numbers the rows",
    )
    yield _Rows(fault=fault, count=int(surplus), first=first, examples=examples)


def _columns(mapping: Mapping, field: str) -> str:
    names = tuple(dict.fromkeys(mapping.fields.sources()[field].columns()))
    return f"column{'s' if len(names) > 1 else ''} {', '.join(names)}" if names else "a constant"
