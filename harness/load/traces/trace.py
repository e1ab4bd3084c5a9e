"""Any Parquet, CSV or JSON-lines file as events of the contract, or a list of all that is wrong with it; and
events that are generated, as the same table.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb

from harness.documents import Document
from harness.errors import InvalidInput, Problem
from harness.load.generate.events import EventGenerator
from harness.load.generate.model import Generate
from harness.load.generate.table import insert_events
from harness.load.traces.columns import READERS, Columns, TraceFile
from harness.load.traces.faults import faults_of
from harness.load.traces.fields import event_columns, raw_columns
from harness.load.traces.mapping import Mapping, missing_columns
from harness.load.traces.sql import one_row, open_database

# Statements are put together from parts that harness/load/traces/sql.py has quoted.
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
class GeneratedTrace:
    """A trace that is drawn from distributions, the same for the same seed."""

    generate: Generate
    seed: int
    document: Document
    """The mapping's, for messages."""


AnyTrace = Trace | GeneratedTrace


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceFacts:
    """What is known of a trace that was read."""

    events: int
    first_ms: int
    last_ms: int


@contextmanager
def opened(trace: AnyTrace, folder: Path) -> Iterator[tuple[duckdb.DuckDBPyConnection, TraceFile | None]]:
    """A database for ``read_trace`` that can read the trace's file, if it has one, and no other.

    ``folder`` is for its own files.
    """
    file = trace.linked(folder) if isinstance(trace, Trace) else None
    timezone = trace.mapping.time.timezone if isinstance(trace, Trace) else "UTC"
    readable = [] if file is None else [file.path]
    with open_database(readable=readable, spill=folder / "spill", timezone=timezone) as database:
        yield database, file


def read_trace(
    database: duckdb.DuckDBPyConnection,
    file: TraceFile | None,
    trace: AnyTrace,
    *,
    span_ms: int,
    events_max: int | None = None,
) -> TraceFacts:
    """Make the view ``trace``: an event a row, in the trace's order, its time squeezed into ``offset_ms``.

    The offsets run from 0 to ``span_ms``. Of a longer file the earliest ``events_max`` events are taken; of a
    generator just so many, and it must be told. Raises InvalidInput with everything that is wrong, counted.
    """
    if isinstance(trace, GeneratedTrace):
        return _generate(database, trace, span_ms=span_ms, events=events_max)
    if file is None:
        raise ValueError("a trace of a file is read from its file")
    return _read_file(database, file, trace, span_ms=span_ms, events_max=events_max)


def _generate(
    database: duckdb.DuckDBPyConnection, trace: GeneratedTrace, *, span_ms: int, events: int | None
) -> TraceFacts:
    if events is None:
        allowed = "load.events in the scenario, or a profile that says how many"
        where = trace.document.where(("generate",))
        raise InvalidInput([Problem(where=where, found="no number of events", allowed=allowed)])
    insert_events(database, EventGenerator(trace.generate, seed=trace.seed).chunks(events))
    facts = _squeeze(database, span_ms)
    if facts is None:
        raise ValueError(f"{events} events are none")
    return facts


def _read_file(
    database: duckdb.DuckDBPyConnection,
    file: TraceFile,
    trace: Trace,
    *,
    span_ms: int,
    events_max: int | None,
) -> TraceFacts:
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
