"""Reads a recorded run for checks and reports: its tables as views of an in-memory DuckDB connection.

Run folders are untrusted input. Their content reaches SQL only as values or columns, never as query text, and
the connection can neither open files nor load code. What cannot be read is recorded and reported, so that a
check is INCONCLUSIVE instead of judging half a history.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import duckdb
import numpy as np
import orjson
import pyarrow as pa
import pyarrow.dataset as ds
from pydantic import ValidationError

from harness.artifacts import cache_dir
from harness.base.database import database_in_memory
from harness.base.errors import RunError
from harness.history.course import (
    EndLine,
    FaultLine,
    FaultSpan,
    HotWriteLine,
    PhaseLine,
    Span,
    fault_spans,
    spans,
)
from harness.history.parquet_parts import (
    Line,
    Source,
    read_file,
    read_lines,
    read_parts,
    without_dictionaries,
)
from harness.history.plan_schema import PLAN
from harness.history.process_clocks import ClockLine, clock_deviations, wall_clock_steps_ns
from harness.history.run_info import LOAD_FAILED, RunInfo
from harness.history.schema import TABLES, table_folder
from harness.history.seal import SCENARIO, Inspection, inspect_history, table_of
from harness.history.workers import WorkerLine
from harness.scenario.model import Scenario
from harness.scenario.renamed import with_new_words

SCHEMAS: Final[Mapping[str, pa.Schema]] = {**TABLES, "plan": PLAN}
"""All Parquet tables of a history, including the plan."""

_DISABLED: Final = (
    "enable_external_access",
    "autoinstall_known_extensions",
    "autoload_known_extensions",
    "python_enable_replacements",
    "preserve_insertion_order",
)

_NAMES: Final = re.compile(r"\w+")

T = TypeVar("T")

_HOT_WRITES: Final = pa.schema(
    [
        ("at_ns", pa.int64()),
        ("by_wall_clock", pa.bool_()),
        ("duration_us", pa.float64()),
        ("rows", pa.int64()),
        ("target", pa.string()),
    ]
)


class History:
    """One run. Every table of harness/history/schema.py is a view of the same name. Further views:

    - ``plan``, see harness/load/plan/file.py, without its largest column: ``payloads (seq, payload)``;
    - ``hot_writes (at_ns, by_wall_clock, duration_us, rows, target)``: the hot writers' batches, by the run's
      clock where it was recorded, otherwise by the wall clock, which may have been adjusted;
    - ``run``: one row of what queries need from ``run.json`` and the scenario: ``load_start_ns``,
      ``origin_ms``, ``time_scale``, ``out_of_orderness_ms``.
    """

    def __init__(
        self,
        *,
        scenario: Scenario,
        info: RunInfo | None,
        sources: Mapping[str, Source],
        phases: Sequence[PhaseLine],
        faults: Sequence[FaultLine],
        ends: Sequence[EndLine] | None,
        hot_writes: Sequence[HotWriteLine] | None,
        workers: Sequence[WorkerLine] = (),
        clocks: Sequence[ClockLine] = (),
        problems: Sequence[str] = (),
        damaged: Collection[str] = (),
    ) -> None:
        self.scenario, self.info = scenario, info
        self.phases: tuple[Span, ...] = spans(phases)
        self.wall_clock_step_ns: int = 0 if info is None else max(wall_clock_steps_ns(phases, info), key=abs)
        """The largest recorded adjustment of the wall clock during the run."""
        self.clock_deviations: str = clock_deviations(clocks, phases, info)
        """Which processes' clocks deviated from the run's; "" if none."""
        self.faults: tuple[FaultSpan, ...] = fault_spans(faults)
        self.ends: tuple[EndLine, ...] = tuple(ends or ())
        self.workers: tuple[WorkerLine, ...] = tuple(workers)
        """Workers that joined the load from other terminals or machines."""
        self.missing: frozenset[str] = _missing(sources, phases, ends, hot_writes, info)
        """What the run did not record: names of tables, ``phases``, ``ends``, ``hot_writes`` or ``run``."""
        self.damaged: frozenset[str] = frozenset(
            {*damaged, *(name for name, s in sources.items() if s.unreadable)}
        )
        """What was partly lost or altered: names as in ``missing``, ``faults`` or ``workers``."""
        self.problems: tuple[str, ...] = (*problems, *(u for s in sources.values() for u in s.unreadable))
        """Descriptions of everything lost, altered or unreadable."""
        self._derived: set[str] = set()
        self._values: dict[str, object] = {}
        self._connection = _locked_database().cursor()
        self._unloaded = dict(_loadable(sources))
        self._connection.register("planned_kinds", _selected(sources["plan"].rows, ["kind"]))
        self._connection.register("payloads", _selected(sources["plan"].rows, ["seq", "payload"]))
        self._connection.register("hot_writes", _hot_write_rows(hot_writes or (), info))
        self._connection.register("run", _run_row(info, scenario))
        if problem := self._plan_problem():
            self.problems = (*self.problems, problem)
            self.damaged |= {"plan", "encoded"}

    @staticmethod
    def open(run_dir: Path) -> History:
        """Open the history in a run's folder. Raises ``RunError`` when its scenario cannot be read."""
        history, seal = run_dir / "history", inspect_history(run_dir)
        if SCENARIO in seal.broken:
            where = run_dir / SCENARIO
            raise RunError(f"{where}: {seal.broken[SCENARIO]}; a run cannot be judged without its scenario")
        left_out = frozenset(run_dir / name for name in seal.broken)
        read = _Files(history, left_out)
        info = read.info()
        phases = read.lines("phases.jsonl", PhaseLine)
        faults = read.lines("faults.jsonl", FaultLine)
        ends = read.lines("ends.jsonl", EndLine)
        workers = read.lines("workers.jsonl", WorkerLine)
        hot_writes = read.lines("hot_writes-*.jsonl", HotWriteLine, torn=True)
        clocks = read.lines("clocks-*.jsonl", ClockLine)
        sources = {
            name: read_parts(table_folder(history, name), schema, left_out=left_out, numbered=not seal.sealed)
            for name, schema in TABLES.items()
        }
        sources["plan"] = read_file(history / "plan.parquet", PLAN, left_out=left_out)
        return History(
            scenario=_read_scenario(run_dir),
            info=info,
            sources=sources,
            phases=phases or (),
            faults=faults or (),
            ends=ends,
            hot_writes=hot_writes,
            workers=workers or (),
            clocks=clocks or (),
            problems=(*_seal_problems(seal, info), *read.problems),
            damaged=seal.tables | read.damaged,
        )

    @staticmethod
    def from_tables(
        *,
        scenario: Scenario,
        info: RunInfo | None,
        tables: Mapping[str, pa.Table | Sequence[Mapping[str, object]]],
        phases: Sequence[PhaseLine] = (),
        faults: Sequence[FaultLine] = (),
        ends: Sequence[EndLine] | None = None,
        hot_writes: Sequence[HotWriteLine] | None = None,
        clocks: Sequence[ClockLine] = (),
    ) -> History:
        """Build a history from values. Tables not given are missing; fields not given are null."""
        sources = {name: _literal(tables.get(name), schema) for name, schema in SCHEMAS.items()}
        return History(
            scenario=scenario,
            info=info,
            sources=sources,
            phases=phases,
            faults=faults,
            ends=ends,
            hot_writes=hot_writes,
            clocks=clocks,
        )

    def query(self, sql: str, parameters: Mapping[str, object] | None = None) -> pa.Table:
        """Return a query's result as a table. ``sql`` is the product's own text, never a run's."""
        self._load(sql)
        return self._connection.sql(sql, params=parameters).to_arrow_table()

    def columns(
        self, sql: str, parameters: Mapping[str, object] | None = None
    ) -> dict[str, np.ndarray[Any, Any]]:
        """Return a query's result as a NumPy array per column; null numbers are NaN."""
        table = self.query(sql, parameters)
        return {name: table[name].to_numpy(zero_copy_only=False) for name in table.column_names}

    def rows(self, sql: str, parameters: Mapping[str, object] | None = None) -> list[dict[str, Any]]:
        """Return a short query result as rows."""
        rows: list[dict[str, Any]] = self.query(sql, parameters).to_pylist()
        return rows

    def value(self, sql: str, parameters: Mapping[str, object] | None = None) -> Any:
        """Return the only value of a query's only row."""
        self._load(sql)
        rows = self._connection.execute(sql, parameters).fetchall()
        return rows[0][0] if rows else None

    def derive(self, name: str, sql: str, parameters: Mapping[str, object] | None = None) -> None:
        """Store a query's result as a table of this name, unless it is already stored."""
        if name not in self._derived:
            self._load(sql)
            self._connection.execute(f"CREATE TEMP TABLE {name} AS {sql}", parameters).fetchall()
            self._derived.add(name)

    def keep(self, name: str, rows: Callable[[], pa.Table]) -> None:
        """Store rows that no query can produce as a table of this name, unless they are already stored."""
        if name not in self._derived:
            self._connection.register(name, rows())
            self._derived.add(name)

    def once(self, name: str, value: Callable[[], T]) -> T:
        """Return ``value()``, computed on the first request of this name."""
        if name not in self._values:
            self._values[name] = value()
        return cast(T, self._values[name])

    def _load(self, sql: str) -> None:
        """Decode the tables that a query names, once each rather than for every query."""
        for name in self._unloaded.keys() & set(_NAMES.findall(sql)):
            self._connection.register("loading", self._unloaded[name])
            self._connection.execute(f"CREATE TEMP TABLE {name} AS FROM loading").fetchall()
            self._connection.unregister("loading")
            del self._unloaded[name]

    def _plan_problem(self) -> str:
        """Return which events are missing from the plan or the encoded trace; "" if none is known to be."""
        trace_events = None if self.info is None else self.info.trace_events
        if trace_events is None or "plan" in self.missing | self.damaged:
            return ""
        try:
            return self._missing_events(trace_events)
        except (duckdb.Error, pa.ArrowException, OSError) as error:
            return f"plan.parquet: {str(error).splitlines()[0]}"

    def _missing_events(self, trace_events: int) -> str:
        found = self.value("SELECT count(*) FROM planned_kinds WHERE kind = 'valid'")
        if found != trace_events:
            return f"plan.parquet has {found:,} of the trace's {trace_events:,} events"
        if self.scenario.load.path != "record_batches" or "encoded" in self.missing | self.damaged:
            return ""
        planned = self.value("SELECT count(*) FROM planned_kinds WHERE kind <> 'closing'")
        encoded = self.value("SELECT coalesce(sum(count), 0)::BIGINT FROM encoded")
        if encoded != planned:
            return f"the encoded trace has {encoded:,} of the plan's {planned:,} events"
        return ""

    @property
    def complete(self) -> bool:
        """Whether the run reached its planned end."""
        return self.info is not None and self.info.ended == "complete"

    @property
    def read_back_done(self) -> bool:
        """Whether the run was drained and read back, even after its load failed."""
        return self.complete or (self.info is not None and self.info.ended.startswith(LOAD_FAILED))


@functools.cache
def _locked_database() -> duckdb.DuckDBPyConnection:
    """Return an in-memory database that can neither open files nor load code; its settings are locked.

    One serves the whole process, since creating one takes longer than many queries: each history has its own
    connection with temporary tables. Data that does not fit into memory spills to the user's cache folder
    instead of the working directory.
    """
    connection = database_in_memory(
        {**dict.fromkeys(_DISABLED, "false"), "temp_directory": str(cache_dir() / "spill")}
    )
    connection.execute("SET lock_configuration = true")
    return connection


def _loadable(sources: Mapping[str, Source]) -> Iterator[tuple[str, pa.Table | ds.Scanner]]:
    for name, source in sources.items():
        columns = [column for column in source.rows.schema.names if column != "payload"]
        yield name, _selected(source.rows, columns)


def _selected(rows: pa.Table | ds.Dataset, columns: Sequence[str]) -> pa.Table | ds.Scanner:
    return rows.select(columns) if isinstance(rows, pa.Table) else rows.scanner(columns=columns)


def _missing(
    sources: Mapping[str, Source],
    phases: Sequence[PhaseLine],
    ends: Sequence[EndLine] | None,
    hot_writes: Sequence[HotWriteLine] | None,
    info: RunInfo | None,
) -> frozenset[str]:
    absent = {name for name, source in sources.items() if not source.present}
    absent |= {name for name, recorded in (("phases", phases), ("run", info)) if not recorded}
    # An empty record is not a missing one: perhaps nothing ended.
    absent |= {name for name, lines in (("ends", ends), ("hot_writes", hot_writes)) if lines is None}
    return frozenset(absent)


def _read_scenario(run_dir: Path) -> Scenario:
    path = run_dir / "scenario.json"
    try:
        recorded = orjson.loads(path.read_bytes())
        data, _ = with_new_words(recorded) if isinstance(recorded, dict) else (recorded, ())
        return Scenario.model_validate_json(orjson.dumps(data))
    except (OSError, ValueError) as error:
        raise RunError(f"{path} cannot be read, and a run cannot be judged without it: {error}") from error


def _seal_problems(seal: Inspection, info: RunInfo | None) -> Iterator[str]:
    """Yield differences from the seal, and whether the seal itself is damaged or missing."""
    yield from (f"{name.removeprefix('history/')}: {why}" for name, why in seal.broken.items())
    if seal.unsealed_because:
        yield f"seal.json: {seal.unsealed_because}; other files may have been altered unnoticed"
    elif not seal.sealed and info is not None and info.ended != "no":
        yield "seal.json: it is missing, though the run ended; other files may have been altered unnoticed"


@dataclass
class _Files:
    """Reads ``run.json`` and JSON lines, and collects their problems."""

    history: Path
    left_out: Collection[Path]
    problems: list[str] = field(default_factory=list)
    damaged: set[str] = field(default_factory=set)

    def info(self) -> RunInfo | None:
        """Read ``run.json``; None if that is impossible."""
        if self.history / "run.json" in self.left_out:
            return None
        try:
            return RunInfo.load(self.history)
        except FileNotFoundError:
            self.problems.append("run.json is missing: the run ended before its load started")
        except (OSError, ValidationError) as error:
            self.problems.append(f"run.json cannot be read: {error}")
            self.damaged.add("run")
        return None

    def lines(self, pattern: str, kind: type[Line], *, torn: bool = False) -> tuple[Line, ...] | None:
        """Read the lines of all files that match; None without any file."""
        paths = sorted(self.history.glob(pattern))
        files = [read_lines(path, kind, left_out=self.left_out, torn=torn) for path in paths]
        if found := [problem for _, problems in files for problem in problems]:
            self.problems += found
            self.damaged.add(table_of(pattern))
        return tuple(line for lines, _ in files for line in lines) if files else None


def _literal(rows: pa.Table | Sequence[Mapping[str, object]] | None, schema: pa.Schema) -> Source:
    if isinstance(rows, pa.Table):
        return Source(rows=rows.cast(without_dictionaries(schema)), present=True)
    return Source(
        rows=pa.Table.from_pylist(list(rows or ()), schema=without_dictionaries(schema)),
        present=rows is not None,
    )


def _hot_write_rows(lines: Sequence[HotWriteLine], info: RunInfo | None) -> pa.Table:
    epoch_ns = info.epoch_unix_ns if info else 0
    monotonic_ns = info.epoch_monotonic_ns if info else 0
    shared = [
        line.at_monotonic_ns is not None and info is not None and line.boot == info.boot != ""
        for line in lines
    ]
    columns = [
        [
            (line.at_monotonic_ns or 0) - monotonic_ns if is_shared else line.at_unix_ns - epoch_ns
            for line, is_shared in zip(lines, shared, strict=True)
        ],
        [not is_shared for is_shared in shared],
        [line.duration_us for line in lines],
        [line.rows for line in lines],
        [line.table for line in lines],
    ]
    arrays = [pa.array(column, type=f.type) for column, f in zip(columns, _HOT_WRITES, strict=True)]
    return pa.Table.from_arrays(arrays, schema=_HOT_WRITES)


def _run_row(info: RunInfo | None, scenario: Scenario) -> pa.Table:
    return pa.table(
        {
            "load_start_ns": [info.load_start_ns if info else 0],
            "origin_ms": [info.origin_ms if info else 0],
            "time_scale": [float(info.time_scale) if info else 1.0],
            "out_of_orderness_ms": [round(scenario.pipeline.stream.out_of_orderness_event_s * 1000)],
        }
    )
