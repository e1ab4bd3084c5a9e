"""A recorded run, to be read by checks and reports: its tables as views of one DuckDB connection in memory.

Run folders are somebody's files. What lies in them reaches SQL as values or as columns, never as text of a
query, and the connection can neither open files nor load code. What cannot be read is remembered and told,
so that a check says INCONCLUSIVE where it would otherwise judge half a history.
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
from harness.history.parquet_parts import Line, Source, plain, read_file, read_lines, read_parts
from harness.history.plan_schema import PLAN
from harness.history.process_clocks import ClockLine, clock_doubt, wall_clock_steps_ns
from harness.history.renamed import table_folder
from harness.history.run_info import LOAD_FAILED, RunInfo
from harness.history.schema import TABLES
from harness.history.seal import SCENARIO, Inspection, inspect_history, table_of
from harness.history.workers import WorkerLine
from harness.scenario.model import Scenario
from harness.scenario.renamed import with_new_words

SCHEMAS: Final[Mapping[str, pa.Schema]] = {**TABLES, "plan": PLAN}
"""Every table of a history that is Parquet, the plan among them."""

_OFF: Final = (
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
    """One run. Every table of harness/history/schema.py is a view of its name; beside them stand

    - ``plan``: harness/load/plan/file.py's, and ``payloads (seq, payload)``, the column of it that is larger
      than all others together;
    - ``hot_writes (at_ns, by_wall_clock, duration_us, rows, target)``: the hot writers' batches, on the run's
      clock as far as they are known by it, and else by the wall clock, which may have been set;
    - ``run``: one row of what queries need of ``run.json`` and the scenario: ``load_start_ns``,
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
        """By how much, at most, the wall clock was set while the run went on, as far as its phases tell."""
        self.clock_doubt: str = clock_doubt(clocks, phases, info)
        """Which processes recorded by other clocks than the run's; "" where none did."""
        self.faults: tuple[FaultSpan, ...] = fault_spans(faults)
        self.ends: tuple[EndLine, ...] = tuple(ends or ())
        self.workers: tuple[WorkerLine, ...] = tuple(workers)
        """Those that joined the load from elsewhere."""
        self.missing: frozenset[str] = _missing(sources, phases, ends, hot_writes, info)
        """Names of tables, ``phases``, ``ends``, ``hot_writes`` and ``run`` that the run did not leave."""
        self.damaged: frozenset[str] = frozenset(
            {*damaged, *(name for name, s in sources.items() if s.unreadable)}
        )
        """Names, as in ``missing``, and ``faults`` and ``workers``, of which something is lost or altered."""
        self.problems: tuple[str, ...] = (*problems, *(u for s in sources.values() for u in s.unreadable))
        """Everything that is lost, altered or cannot be read, for people."""
        self._derived: set[str] = set()
        self._values: dict[str, object] = {}
        self._connection = _sealed_database().cursor()
        self._unloaded = dict(_loadable(sources))
        self._connection.register("planned_kinds", _selected(sources["plan"].rows, ["kind"]))
        self._connection.register("payloads", _selected(sources["plan"].rows, ["seq", "payload"]))
        self._connection.register("hot_writes", _hot_write_rows(hot_writes or (), info))
        self._connection.register("run", _run_row(info, scenario))
        if wrong := self._wrong_plan():
            self.problems = (*self.problems, wrong)
            self.damaged |= {"plan", "encoded"}

    @staticmethod
    def open(run_dir: Path) -> History:
        """The history in a run's folder. Raises ``RunError`` when not even its scenario can be read."""
        history, seal = run_dir / "history", inspect_history(run_dir)
        if SCENARIO in seal.broken:
            where = run_dir / SCENARIO
            raise RunError(f"{where}: {seal.broken[SCENARIO]}; nothing can be judged without what was run")
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
            problems=(*_told(seal, info), *read.wrong),
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
        """A history from values. A table that is not named is missing; fields left out of a row are null."""
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
        """The answer of one query as a table. ``sql`` is text of this product, never of a run."""
        self._load(sql)
        return self._connection.sql(sql, params=parameters).to_arrow_table()

    def columns(
        self, sql: str, parameters: Mapping[str, object] | None = None
    ) -> dict[str, np.ndarray[Any, Any]]:
        """The answer of one query, a NumPy array a column; nulls of numbers are NaN."""
        table = self.query(sql, parameters)
        return {name: table[name].to_numpy(zero_copy_only=False) for name in table.column_names}

    def rows(self, sql: str, parameters: Mapping[str, object] | None = None) -> list[dict[str, Any]]:
        """The answer of one query that is known to be short."""
        rows: list[dict[str, Any]] = self.query(sql, parameters).to_pylist()
        return rows

    def value(self, sql: str, parameters: Mapping[str, object] | None = None) -> Any:
        """The only value of a query's only row."""
        self._load(sql)
        rows = self._connection.execute(sql, parameters).fetchall()
        return rows[0][0] if rows else None

    def derive(self, name: str, sql: str, parameters: Mapping[str, object] | None = None) -> None:
        """Keep the answer of a query as a table of this name; what was kept once is not computed again."""
        if name not in self._derived:
            self._load(sql)
            self._connection.execute(f"CREATE TEMP TABLE {name} AS {sql}", parameters).fetchall()
            self._derived.add(name)

    def keep(self, name: str, rows: Callable[[], pa.Table]) -> None:
        """Keep rows that no query can make as a table of this name; what was kept once is not made again."""
        if name not in self._derived:
            self._connection.register(name, rows())
            self._derived.add(name)

    def once(self, name: str, value: Callable[[], T]) -> T:
        """What ``value`` returns, computed the first time that this name is asked for."""
        if name not in self._values:
            self._values[name] = value()
        return cast(T, self._values[name])

    def _load(self, sql: str) -> None:
        """Decode the tables that a query names, once each, and not anew for every query."""
        for name in self._unloaded.keys() & set(_NAMES.findall(sql)):
            self._connection.register("loading", self._unloaded[name])
            self._connection.execute(f"CREATE TEMP TABLE {name} AS FROM loading").fetchall()
            self._connection.unregister("loading")
            del self._unloaded[name]

    def _wrong_plan(self) -> str:
        """What is missing between the trace and what was to be sent; "" where nothing says that it is."""
        told = None if self.info is None else self.info.trace_events
        if told is None or "plan" in self.missing | self.damaged:
            return ""
        try:
            return self._left_out(told)
        except (duckdb.Error, pa.ArrowException, OSError) as error:
            return f"plan.parquet: {str(error).splitlines()[0]}"

    def _left_out(self, trace_events: int) -> str:
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
        """Whether the run came to its planned end."""
        return self.info is not None and self.info.ended == "complete"

    @property
    def read_back_done(self) -> bool:
        """Whether it was drained and read back, be it that its load had died."""
        return self.complete or (self.info is not None and self.info.ended.startswith(LOAD_FAILED))


@functools.cache
def _sealed_database() -> duckdb.DuckDBPyConnection:
    """A database in memory that can neither open files nor load code, and cannot be told to.

    One serves the whole process, since making one takes longer than many queries: each history works on a
    connection of its own, whose tables are temporary and its alone. What does not fit into memory goes to the
    user's cache folder, and not to wherever the command was run.
    """
    connection = database_in_memory(
        {**dict.fromkeys(_OFF, "false"), "temp_directory": str(cache_dir() / "spill")}
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
    absent |= {name for name, there in (("phases", phases), ("run", info)) if not there}
    # That nothing ended is a record too.
    absent |= {name for name, lines in (("ends", ends), ("hot_writes", hot_writes)) if lines is None}
    return frozenset(absent)


def _read_scenario(run_dir: Path) -> Scenario:
    path = run_dir / "scenario.json"
    try:
        recorded = orjson.loads(path.read_bytes())
        data, _ = with_new_words(recorded) if isinstance(recorded, dict) else (recorded, ())
        return Scenario.model_validate_json(orjson.dumps(data))
    except (OSError, ValueError) as error:
        raise RunError(f"{path} cannot be read, and nothing can be judged without it: {error}") from error


def _told(seal: Inspection, info: RunInfo | None) -> Iterator[str]:
    """What the seal tells of this history, or that it should be there and is not."""
    yield from (f"{name.removeprefix('history/')}: {why}" for name, why in seal.broken.items())
    if seal.unsealed_because:
        yield f"seal.json: {seal.unsealed_because}; so nobody knows whether the rest was altered"
    elif not seal.sealed and info is not None and info.ended != "no":
        yield "seal.json: it is missing, though the run ended; so nobody knows whether the rest was altered"


@dataclass
class _Files:
    """Reads ``run.json`` and files of lines, and notes what is wrong with them."""

    history: Path
    left_out: Collection[Path]
    wrong: list[str] = field(default_factory=list)
    damaged: set[str] = field(default_factory=set)

    def info(self) -> RunInfo | None:
        """What the run says of itself; None where nobody knows."""
        if self.history / "run.json" in self.left_out:
            return None
        try:
            return RunInfo.load(self.history)
        except FileNotFoundError:
            self.wrong.append("run.json is not there: the run ended before its load started")
        except (OSError, ValidationError) as error:
            self.wrong.append(f"run.json cannot be read: {error}")
            self.damaged.add("run")
        return None

    def lines(self, pattern: str, kind: type[Line], *, torn: bool = False) -> tuple[Line, ...] | None:
        """The lines of all files of this name; None where there is none."""
        paths = sorted(self.history.glob(pattern))
        files = [read_lines(path, kind, left_out=self.left_out, torn=torn) for path in paths]
        if wrong := [told for _, problems in files for told in problems]:
            self.wrong += wrong
            self.damaged.add(table_of(pattern))
        return tuple(line for lines, _ in files for line in lines) if files else None


def _literal(rows: pa.Table | Sequence[Mapping[str, object]] | None, schema: pa.Schema) -> Source:
    if isinstance(rows, pa.Table):
        return Source(rows=rows.cast(plain(schema)), present=True)
    return Source(rows=pa.Table.from_pylist(list(rows or ()), schema=plain(schema)), present=rows is not None)


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
