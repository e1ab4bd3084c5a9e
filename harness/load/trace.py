"""Any Parquet, CSV or JSON-lines file as events of the contract, or a list of all that is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb

from harness.documents import Document
from harness.errors import InvalidInput, Problem
from harness.load.columns import READERS, Columns, TraceFile
from harness.load.mapping import Mapping, missing_columns
from harness.load.sql import one_row
from harness.load.trace_faults import faults_of
from harness.load.trace_sql import event_columns, raw_columns

# Statements are put together from parts that harness/load/sql.py has quoted.
# ruff: noqa: S608

_COMPRESSED: Final = (".gz", ".zst")
_REJECTS: Final = """
SELECT any_value(error_type), count(DISTINCT line), min(line), any_value(error_message)
FROM reject_errors GROUP BY error_type ORDER BY min(line)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A trace file and the mapping that says what it means."""

    path: Path
    mapping: Mapping
    document: Document
    """The mapping's, for messages."""

    def linked(self, folder: Path) -> TraceFile:
        """The file under a name that the database cannot take for a pattern of several files' names."""
        compression = self.path.suffix if self.path.suffix in _COMPRESSED else ""
        alias = folder / f"trace.{self.mapping.format}{compression}"
        alias.symlink_to(self.path.resolve())
        return TraceFile(path=alias, name=str(self.path), delimiter=self.mapping.delimiter)


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceFacts:
    """What is known of a trace that was read."""

    events: int
    first_ms: int
    last_ms: int


def read_trace(
    database: duckdb.DuckDBPyConnection,
    file: TraceFile,
    trace: Trace,
    *,
    span_ms: int,
    events_max: int | None = None,
) -> TraceFacts:
    """Make the table ``trace``: an event a row, in the file's order, its time squeezed into ``offset_ms``.

    The offsets run from 0 to ``span_ms``. Of a longer trace the earliest ``events_max`` events are taken.
    Raises InvalidInput with everything that is wrong, counted.
    """
    try:
        columns = READERS[trace.mapping.format](database, file, trace.mapping.columns())
        _check_columns(trace, columns)
        _read(database, trace.mapping, columns)
        _check_lines(database, file, trace.mapping)
    except duckdb.Error as error:
        raise _unreadable(file, error) from error
    if events_max is not None:
        database.execute(
            "DELETE FROM mapped WHERE rowid NOT IN"
            f" (SELECT rowid FROM mapped ORDER BY time_ms NULLS FIRST, rowid LIMIT {events_max})"
        )
    facts = _squeeze(database, span_ms)
    if facts is None:
        raise InvalidInput([Problem(where=file.name, found="no events", allowed="at least one")])
    if faults := faults_of(database, trace.mapping, trace.document):
        raise InvalidInput(faults)
    return facts


def _check_columns(trace: Trace, columns: Columns) -> None:
    if missing := missing_columns(trace.mapping, trace.document, columns.present):
        raise InvalidInput(missing)


def _read(database: duckdb.DuckDBPyConnection, mapping: Mapping, columns: Columns) -> None:
    names = tuple(columns.expressions)
    raw = f"SELECT {raw_columns(columns.expressions, mapping.nulls)} FROM {columns.relation}"
    database.execute(f"CREATE TABLE mapped AS SELECT {event_columns(mapping, names)} FROM ({raw})")


def _check_lines(database: duckdb.DuckDBPyConnection, file: TraceFile, mapping: Mapping) -> None:
    """Lines that are no CSV were passed over by the reader, which keeps account of them."""
    rejected: list[Any] = database.execute(_REJECTS).fetchall() if mapping.format == "csv" else []
    if rejected:
        raise InvalidInput(
            [
                Problem(
                    where=f"{file.name}:{line}",
                    found=f"lines with {str(kind).lower()}: {lines:,} ({str(message).splitlines()[0]})",
                    allowed="as many values as the header has, quoted as in RFC 4180, in UTF-8",
                )
                for kind, lines, line, message in rejected
            ]
        )


def _squeeze(database: duckdb.DuckDBPyConnection, span_ms: int) -> TraceFacts | None:
    """Offsets by whole-number arithmetic, so that they are the same everywhere."""
    events, first_ms, last_ms = one_row(database, "SELECT count(*), min(time_ms), max(time_ms) FROM mapped")
    first, extent = first_ms or 0, max((last_ms or 0) - (first_ms or 0), 1)
    offset = f"((time_ms::HUGEINT - {first}) * {span_ms} // {extent})::BIGINT"
    database.execute(f"CREATE VIEW trace AS SELECT rowid AS row, {offset} AS offset_ms, * FROM mapped")
    return None if not events else TraceFacts(events=events, first_ms=first, last_ms=last_ms or 0)


def _unreadable(file: TraceFile, error: duckdb.Error) -> InvalidInput:
    lines = str(error).replace(str(file.path), file.name).splitlines()
    found = "; ".join(line.strip() for line in lines[:3] if line.strip())
    return InvalidInput([Problem(where=file.name, found=found, allowed="a file of the mapping's format")])
