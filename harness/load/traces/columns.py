"""The columns of a trace file, whatever its format, as text: what is there, and how to select it."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from harness.errors import InvalidInput, Problem
from harness.load.traces.sql import identifier, literal, one_row

# Statements are put together from parts that harness/load/traces/sql.py has quoted.
# ruff: noqa: S608

_HEADER_BYTES_MAX: Final = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceFile:
    """A trace that is open for reading through one database."""

    path: Path
    """Where the database reads it."""
    name: str
    """What to call it in messages."""
    delimiter: str = ","


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Those of the columns asked for that are there, each with the SQL of its text, and the relation."""

    expressions: Mapping[str, str]
    relation: str
    present: frozenset[str]
    """Every column that the file has, as far as its format tells."""


Reader = Callable[[duckdb.DuckDBPyConnection, TraceFile, Sequence[str]], Columns]


def read_csv(connection: duckdb.DuckDBPyConnection, file: TraceFile, wanted: Sequence[str]) -> Columns:
    """Columns are told apart by position, because their names may differ by case alone or not be unique."""
    header = _csv_header(file)
    repeated = sorted({name for name in header if header.count(name) > 1} & set(wanted))
    if repeated:
        raise _refused(
            file, f"the columns {', '.join(repeated)} more than once", "column names that are unique"
        )
    types = ", ".join(f"'c{n}': 'VARCHAR'" for n in range(len(header)))
    relation = (
        f"read_csv({literal(str(file.path))}, auto_detect = false, header = true, store_rejects = true,"
        f" rejects_limit = 0, delim = {literal(file.delimiter)}, quote = '\"', escape = '\"',"
        f" columns = {{{types}}})"
    )
    expressions = {name: f"c{n}" for n, name in enumerate(header) if name in wanted}
    return Columns(expressions=expressions, relation=relation, present=frozenset(header))


def read_jsonl(connection: duckdb.DuckDBPyConnection, file: TraceFile, wanted: Sequence[str]) -> Columns:
    """A column is there when any line has it. Its text is that of a JSON string, number or boolean."""
    relation = f"read_ndjson_objects({literal(str(file.path))})"
    pointers = [literal("/" + name.replace("~", "~0").replace("/", "~1")) for name in wanted]
    exists = ", ".join(f"coalesce(bool_or(json_exists(json, {pointer})), false)" for pointer in pointers)
    found, objects_only = one_row(
        connection, f"SELECT [{exists}], bool_and(json_type(json) = 'OBJECT') FROM {relation}"
    )
    if objects_only is None:
        raise _refused(file, "no events", "at least one, as a JSON object a line")
    if objects_only is False:
        raise _refused(file, "lines that are not JSON objects", "one JSON object a line")
    expressions = {
        name: f"json_extract_string(json, {pointer})"
        for name, pointer, there in zip(wanted, pointers, found, strict=True)
        if there
    }
    present = frozenset(expressions)
    if len(present) < len(wanted):
        present |= _keys_of_first_lines(connection, relation)
    return Columns(expressions=expressions, relation=relation, present=present)


def read_parquet(connection: duckdb.DuckDBPyConnection, file: TraceFile, wanted: Sequence[str]) -> Columns:
    """Values of any type are read as their text."""
    try:
        header = pq.read_schema(file.path).names
    except pa.ArrowException as error:
        raise _refused(file, str(error).splitlines()[0], "a Parquet file") from error
    folded = [name.casefold() for name in header]
    ambiguous = [name for name in header if name in wanted and folded.count(name.casefold()) > 1]
    if ambiguous:
        raise _refused(
            file, f"several columns named {', '.join(ambiguous)}", "names that differ by more than case"
        )
    expressions = {name: f"CAST({identifier(name)} AS VARCHAR)" for name in wanted if name in header}
    relation = f"read_parquet({literal(str(file.path))})"
    return Columns(expressions=expressions, relation=relation, present=frozenset(header))


READERS: Final[Mapping[str, Reader]] = MappingProxyType(
    {"csv": read_csv, "jsonl": read_jsonl, "parquet": read_parquet}
)


def _csv_header(file: TraceFile) -> list[str]:
    try:
        with pa.input_stream(str(file.path), compression="detect") as stream:
            text = stream.read(_HEADER_BYTES_MAX).decode("utf-8-sig", errors="ignore")
        header = next(csv.reader(io.StringIO(text, newline=""), delimiter=file.delimiter), [])
    except (OSError, pa.ArrowException, csv.Error) as error:
        raise _refused(
            file, str(error).splitlines()[0], "a CSV file whose first line names its columns"
        ) from error
    if not any(header):
        raise _refused(file, "no header", "a first line that names the columns")
    return header


def _keys_of_first_lines(connection: duckdb.DuckDBPyConnection, relation: str) -> frozenset[str]:
    rows = connection.execute(
        f"SELECT DISTINCT unnest(json_keys(json)) FROM (FROM {relation} LIMIT 1000)"
    ).fetchall()
    return frozenset(name for (name,) in rows)


def _refused(file: TraceFile, found: str, allowed: str) -> InvalidInput:
    return InvalidInput([Problem(where=file.name, found=found, allowed=allowed)])
