"""The columns of a trace file of any format: which exist, and the SQL that selects them as text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import duckdb
import pyarrow as pa

from harness.base.errors import InvalidInput, Problem
from harness.load.traces.lines import broken_lines
from harness.load.traces.parquet import parquet_schema, verify_pages
from harness.load.traces.sql import identifier, literal
from harness.load.traces.trace_file import TraceFile, csv_header

# Statements are assembled from parts quoted by harness/load/traces/sql.py.
# ruff: noqa: S608


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """The SQL of each requested column, as text or null, and the relation to select it from."""

    expressions: Mapping[str, str]
    relation: str
    present: frozenset[str]
    """Every column that the file has, as far as its format shows."""


_NO_TEXT: Final = frozenset({"OBJECT", "ARRAY"})
Reader = Callable[[duckdb.DuckDBPyConnection, TraceFile, Sequence[str]], Columns]


def read_csv(connection: duckdb.DuckDBPyConnection, file: TraceFile, wanted: Sequence[str]) -> Columns:
    """Identify columns by position, because names may differ only by case or repeat."""
    names = file.header or csv_header(file)
    _require_once(file, names, wanted)
    types = ", ".join(f"'c{n}': 'VARCHAR'" for n in range(len(names)))
    nulls = ", ".join(literal(text) for text in _all_nulls(file))
    relation = (
        f"read_csv({literal(str(file.path))}, auto_detect = false, header = {str(not file.header).lower()},"
        f" store_rejects = true, rejects_limit = 0, delim = {literal(file.delimiter)}, quote = '\"',"
        f" escape = '\"', nullstr = [{nulls}], columns = {{{types}}})"
    )
    expressions = {name: f"c{n}" for n, name in enumerate(names) if name in wanted}
    return Columns(expressions=expressions, relation=relation, present=frozenset(names))


def read_jsonl(connection: duckdb.DuckDBPyConnection, file: TraceFile, wanted: Sequence[str]) -> Columns:
    """Take each name that occurs in any line as a column; its text is a JSON string, number or boolean."""
    lines = f"read_ndjson_objects({literal(str(file.path))})"
    pointers = ", ".join(literal("/" + name.replace("~", "~0").replace("/", "~1")) for name in wanted)
    # Most lines have the same shape, so few shapes need to be examined.
    shapes = connection.execute(
        f"SELECT json_keys(json), json_type(json, [{pointers}]), ltrim(json::VARCHAR, ' \t\r')[1] = '{{'"
        f" FROM {lines} GROUP BY ALL"
    ).fetchall()
    for keys, types, is_object in shapes:
        ambiguous = any(keys.count(name) > 1 for name in wanted)
        if not is_object or ambiguous or not _NO_TEXT.isdisjoint(types):
            raise InvalidInput(broken_lines(file, wanted))
    expressions = {name: _with_nulls(f"v[{n}]", file) for n, name in enumerate(wanted, start=1)}
    relation = f"(SELECT json_extract_string(json, [{pointers}]) AS v FROM {lines})"
    present = frozenset(name for keys, _, _ in shapes for name in keys)
    return Columns(expressions=expressions, relation=relation, present=present)


def read_parquet(connection: duckdb.DuckDBPyConnection, file: TraceFile, wanted: Sequence[str]) -> Columns:
    """Read values of any scalar type as text."""
    schema = parquet_schema(file.path, file.name)
    folded = [name.casefold() for name in schema.names]
    ambiguous = [name for name in schema.names if name in wanted and folded.count(name.casefold()) > 1]
    if ambiguous:
        raise _refused(
            file, f"several columns named {', '.join(ambiguous)}", "names that differ by more than case"
        )
    types = {name: schema.field(name).type for name in wanted if name in schema.names}
    if unreadable := {name: type_ for name, type_ in types.items() if not _is_one_value(type_)}:
        found = ", ".join(f"column {name} of type {type_}" for name, type_ in unreadable.items())
        raise _refused(file, found, "columns of texts, numbers, booleans, dates and times")
    verify_pages(file.path, file.name, list(types))
    expressions = {name: _with_nulls(_parquet_text(name, type_), file) for name, type_ in types.items()}
    relation = f"read_parquet({literal(str(file.path))})"
    return Columns(expressions=expressions, relation=relation, present=frozenset(schema.names))


READERS: Final[Mapping[str, Reader]] = MappingProxyType(
    {"csv": read_csv, "jsonl": read_jsonl, "parquet": read_parquet}
)


def _require_once(file: TraceFile, names: Sequence[str], wanted: Sequence[str]) -> None:
    repeated = sorted(name for name in wanted if names.count(name) > 1)
    if repeated:
        found = f"the columns {', '.join(repeated)} more than once"
        raise _refused(file, found, "unique names")


def _is_one_value(type_: pa.DataType) -> bool:
    if isinstance(type_, pa.UuidType):
        return True
    return not (pa.types.is_nested(type_) or pa.types.is_fixed_size_binary(type_))


def _parquet_text(name: str, type_: pa.DataType) -> str:
    """Decode bytes as UTF-8, because older writers do not mark text as such."""
    if pa.types.is_binary(type_) or pa.types.is_large_binary(type_):
        return f"decode({identifier(name)})"
    return f"CAST({identifier(name)} AS VARCHAR)"


def _with_nulls(expression: str, file: TraceFile) -> str:
    nulls = _all_nulls(file)
    if len(nulls) == 1:
        return f"nullif({expression}, {literal(nulls[0])})"
    listed = ", ".join(literal(text) for text in nulls)
    return f"CASE WHEN {expression} NOT IN ({listed}) THEN {expression} END"


def _all_nulls(file: TraceFile) -> tuple[str, ...]:
    return tuple(dict.fromkeys(("", *file.nulls)))


def _refused(file: TraceFile, found: str, allowed: str) -> InvalidInput:
    return InvalidInput([Problem(where=file.name, found=found, allowed=allowed)])
