"""Reads Parquet, CSV or JSON-lines files as events of the contract, reporting every fault in them.

Generated events get the same table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa

from harness.base.documents import Document
from harness.base.errors import InvalidInput, Problem
from harness.load.traces.columns import READERS, Columns
from harness.load.traces.container import unpack
from harness.load.traces.faults import TraceRows, faults_of
from harness.load.traces.fields import events_query
from harness.load.traces.generate.events import EventGenerator
from harness.load.traces.generate.model import Generate
from harness.load.traces.lines import broken_lines
from harness.load.traces.mapping import Mapping, missing_columns
from harness.load.traces.parquet import unreadable
from harness.load.traces.sql import one_row, open_database
from harness.load.traces.times import notes_on_times
from harness.load.traces.trace_file import TraceFile

# Statements are assembled from parts quoted by harness/load/traces/sql.py.
# ruff: noqa: S608

_EVENT_COLUMNS: Final = (
    "time_ms BIGINT, event_id VARCHAR, event_type VARCHAR, entity_id VARCHAR, category VARCHAR,"
    " reference_id VARCHAR, value DOUBLE, quantity BIGINT, attributes VARCHAR"
)
_TEXT_COLUMNS: Final = "time_text VARCHAR, gap_text VARCHAR, value_text VARCHAR, quantity_text VARCHAR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """The files of a trace, in order, and the mapping that gives them meaning."""

    paths: tuple[Path, ...]
    mapping: Mapping
    document: Document
    """The mapping's document, for messages."""

    def unpacked(self, folder: Path) -> tuple[TraceFile, ...]:
        """Unpack the files into ``folder``, under names that the database cannot mistake for patterns.

        Raises InvalidInput for a damaged file.
        """
        return tuple(self._unpacked(path, folder / f"trace-{n}") for n, path in enumerate(self.paths))

    def _unpacked(self, path: Path, alias: Path) -> TraceFile:
        if self.mapping.format == "parquet":
            alias.symlink_to(path.resolve())
        else:
            unpack(path, alias)
        return TraceFile(
            path=alias,
            name=str(path),
            format=self.mapping.format,
            delimiter=self.mapping.delimiter,
            header=self.mapping.header,
            nulls=self.mapping.nulls,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedTrace:
    """A trace drawn from distributions, reproducible by its seed."""

    generate: Generate
    seed: int
    document: Document
    """The mapping's document, for messages."""


AnyTrace = Trace | GeneratedTrace


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceFacts:
    """Facts about a trace that was read."""

    events: int
    first_ms: int
    last_ms: int
    notes: tuple[str, ...] = ()
    """Warnings about oddities that are accepted."""


@contextmanager
def opened(
    trace: AnyTrace, folder: Path
) -> Iterator[tuple[duckdb.DuckDBPyConnection, tuple[TraceFile, ...]]]:
    """Open a database for ``read_trace`` that can read only the trace's files, if it has any.

    The database keeps its own files in ``folder``. Raises InvalidInput for a file that cannot be unpacked.
    """
    files = trace.unpacked(folder) if isinstance(trace, Trace) else ()
    timezone = trace.mapping.time.timezone if isinstance(trace, Trace) else "UTC"
    readable = [file.path for file in files]
    with open_database(readable=readable, spill=folder / "spill", timezone=timezone) as database:
        yield database, files


def read_trace(
    database: duckdb.DuckDBPyConnection,
    files: Sequence[TraceFile],
    trace: AnyTrace,
    *,
    span_ms: int,
    events_max: int | None = None,
    by_own_times: bool = True,
) -> TraceFacts:
    """Make the view ``trace``: one event per row, in the trace's order, its time squeezed into ``offset_ms``.

    The offsets run from 0 to ``span_ms``. A longer trace is cut to its earliest ``events_max`` events; a
    generator requires that number and makes exactly as many. With ``by_own_times`` the events are sent at
    these offsets. Raises InvalidInput with all faults, counted.
    """
    if isinstance(trace, GeneratedTrace):
        return _generate(database, trace, span_ms=span_ms, events=events_max)
    rows = _read_files(database, files, trace)
    if events_max is not None:
        database.execute(
            "DELETE FROM mapped WHERE rowid NOT IN"
            f" (SELECT rowid FROM mapped ORDER BY time_ms NULLS FIRST, rowid LIMIT {events_max})"
        )
    facts = _squeeze(database, span_ms, numbered=bool(trace.mapping.fields.event_id.row_number))
    if facts is None:
        where = ", ".join(file.name for file in files)
        raise InvalidInput([Problem(where=where, found="no events", allowed="at least one")])
    if faults := faults_of(database, rows, trace.mapping, trace.document):
        raise InvalidInput(faults)
    if not by_own_times:
        return facts
    notes = notes_on_times(
        database,
        rows,
        trace.document,
        events=facts.events,
        first_ms=facts.first_ms,
        last_ms=facts.last_ms,
        span_ms=span_ms,
    )
    return replace(facts, notes=notes)


def _generate(
    database: duckdb.DuckDBPyConnection, trace: GeneratedTrace, *, span_ms: int, events: int | None
) -> TraceFacts:
    if events is None:
        allowed = "load.events in the scenario, or a profile that determines the number"
        where = trace.document.where(("generate",))
        raise InvalidInput([Problem(where=where, found="no number of events", allowed=allowed)])
    _insert_events(database, EventGenerator(trace.generate, seed=trace.seed).chunks(events))
    facts = _squeeze(database, span_ms)
    if facts is None:
        raise ValueError(f"cannot generate {events} events: at least one is required")
    return facts


def _insert_events(database: duckdb.DuckDBPyConnection, chunks: Iterable[pa.RecordBatch]) -> None:
    """Make the table ``mapped`` of generated events, one per millisecond; the caller squeezes their times.

    Chunks are inserted one at a time, so that the database can spill.
    """
    database.execute(f"CREATE TABLE mapped ({_EVENT_COLUMNS})")
    for chunk in chunks:
        database.register("chunk", chunk)
        database.execute("INSERT INTO mapped BY NAME SELECT number AS time_ms, * EXCLUDE number FROM chunk")
        database.unregister("chunk")


def _read_files(database: duckdb.DuckDBPyConnection, files: Sequence[TraceFile], trace: Trace) -> TraceRows:
    """Make the table ``mapped`` of the rows of all files, file by file."""
    wanted = trace.mapping.columns()
    columns: list[Columns] = []
    for file in files:
        with _reading(file, wanted):
            columns.append(READERS[file.format](database, file, wanted))
    _check_columns(trace, files, columns)
    database.execute(f"CREATE TABLE mapped ({_EVENT_COLUMNS}, {_TEXT_COLUMNS})")
    counts: list[int] = []
    for file, here in zip(files, columns, strict=True):
        with _reading(file, wanted):
            database.execute(f"INSERT INTO mapped {events_query(trace.mapping, here)}")
            (rows,) = one_row(database, "SELECT count(*) FROM mapped")
        counts.append(rows - sum(counts))
        _check_lines(database, file, wanted)
    return TraceRows(files=files, counts=counts)


def _check_columns(trace: Trace, files: Sequence[TraceFile], columns: Sequence[Columns]) -> None:
    """Refuse missing columns. A single file of JSON lines may lack some, since any line may."""
    if trace.mapping.format == "jsonl":
        present = frozenset[str]().union(*(here.present for here in columns))
        problems = missing_columns(trace.mapping, trace.document, present) if present else []
    else:
        problems = [
            problem
            for file, here in zip(files, columns, strict=True)
            for problem in missing_columns(
                trace.mapping, trace.document, here.present, file=file.name if len(files) > 1 else ""
            )
        ]
    if problems:
        raise InvalidInput(problems)


@contextmanager
def _reading(file: TraceFile, wanted: Sequence[str]) -> Iterator[None]:
    """On an error of the database, examine the file itself to report what is wrong with it."""
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        found = "more rows than fit into memory and the disk space next to the cache"
        raise InvalidInput([Problem(where=file.name, found=found, allowed="a smaller trace")]) from error
    except duckdb.Error as error:
        raise InvalidInput(_unreadable(file, wanted)) from error


def _check_lines(database: duckdb.DuckDBPyConnection, file: TraceFile, wanted: Sequence[str]) -> None:
    """Refuse lines that the CSV reader skipped and recorded as invalid."""
    if file.format == "csv" and one_row(database, "SELECT count(*) FROM reject_errors") != (0,):
        raise InvalidInput(_unreadable(file, wanted))


def _unreadable(file: TraceFile, wanted: Sequence[str]) -> list[Problem]:
    if file.format == "parquet":
        problems = [unreadable(file.path, file.name, wanted)]
    else:
        problems = broken_lines(file, wanted)
    return problems or [
        Problem(where=file.name, found="data that cannot be read", allowed=f"{file.format} data")
    ]


def _squeeze(
    database: duckdb.DuckDBPyConnection, span_ms: int, *, numbered: bool = False
) -> TraceFacts | None:
    """Make the view ``trace``. Offsets use integer arithmetic, so that they are the same everywhere."""
    events, first_ms, last_ms = one_row(database, "SELECT count(*), min(time_ms), max(time_ms) FROM mapped")
    first, extent = first_ms or 0, max((last_ms or 0) - (first_ms or 0), 1)
    offset = f"((time_ms::HUGEINT - {first}) * {span_ms} // {extent})::BIGINT"
    columns = "* REPLACE ((rowid + 1)::VARCHAR AS event_id)" if numbered else "*"
    database.execute(
        f"CREATE VIEW trace AS SELECT rowid AS row, {offset} AS offset_ms, {columns} FROM mapped"
    )
    return None if not events else TraceFacts(events=events, first_ms=first, last_ms=last_ms or 0)
