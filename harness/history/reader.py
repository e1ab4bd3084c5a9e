"""A recorded run, to be read by checks and reports: its tables as views of one DuckDB connection in memory.

Run folders are somebody's files. What lies in them reaches SQL as values or as columns, never as text of a
query, and the connection can neither open files nor load code. What cannot be read is remembered and told,
so that a check says INCONCLUSIVE where it would otherwise judge half a history.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow as pa
from pydantic import ValidationError

from harness.artifacts import cache_dir
from harness.database import database_in_memory
from harness.errors import RunError
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
from harness.history.parts import Source, plain, read_file, read_lines, read_parts
from harness.history.run_info import RunInfo
from harness.history.schema import TABLES
from harness.history.workers import WorkerLine
from harness.load.plan.file import PLAN
from harness.scenario.model import Scenario

SCHEMAS: Final[Mapping[str, pa.Schema]] = {**TABLES, "plan": PLAN}
"""Every table of a history that is Parquet, the plan among them."""

_OFF: Final = (
    "enable_external_access",
    "autoinstall_known_extensions",
    "autoload_known_extensions",
    "python_enable_replacements",
    "preserve_insertion_order",
)

_HOT_WRITES: Final = pa.schema(
    [("at_ns", pa.int64()), ("duration_us", pa.float64()), ("rows", pa.int64()), ("target", pa.string())]
)


class History:
    """One run. Every table of harness/history/schema.py is a view of its name; beside them stand

    - ``plan``: harness/load/plan/file.py's;
    - ``hot_writes (at_ns, duration_us, rows, target)``: the hot writers' batches, on the run's clock;
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
        problems: Sequence[str] = (),
        damaged: Collection[str] = (),
    ) -> None:
        self.scenario, self.info = scenario, info
        self.phases: tuple[Span, ...] = spans(phases)
        self.faults: tuple[FaultSpan, ...] = fault_spans(faults)
        self.ends: tuple[EndLine, ...] = tuple(ends or ())
        self.workers: tuple[WorkerLine, ...] = tuple(workers)
        """Those that joined the load from elsewhere."""
        self.missing: frozenset[str] = _missing(sources, phases, ends, hot_writes, info)
        """Names of tables, ``phases``, ``ends``, ``hot_writes`` and ``run`` that the run did not leave."""
        self.damaged: frozenset[str] = frozenset(
            {*damaged, *(name for name, s in sources.items() if s.unreadable)}
        )
        """Names of tables of which a part could not be read."""
        self.problems: tuple[str, ...] = (*problems, *(u for s in sources.values() for u in s.unreadable))
        """Everything that could not be read, for people."""
        self._derived: set[str] = set()
        self._connection = _sealed_database().cursor()
        for name, source in sources.items():
            self._connection.register(name, source.rows)
        self._connection.register("hot_writes", _hot_write_rows(hot_writes or (), info))
        self._connection.register("run", _run_row(info, scenario))

    @staticmethod
    def open(run_dir: Path) -> History:
        """The history in a run's folder. Raises ``RunError`` when not even its scenario can be read."""
        history = run_dir / "history"
        problems: list[str] = []
        phases, wrong_phases = read_lines(history / "phases.jsonl", PhaseLine)
        faults, wrong_faults = read_lines(history / "faults.jsonl", FaultLine)
        ends, wrong_ends = read_lines(history / "ends.jsonl", EndLine)
        hot_writes, wrong_writes = _read_hot_writes(history)
        workers, wrong_workers = read_lines(history / "workers.jsonl", WorkerLine)
        info = _read_info(history, problems)
        sources = {name: read_parts(history / name, schema) for name, schema in TABLES.items()}
        sources["plan"] = read_file(history / "plan.parquet", PLAN)
        return History(
            scenario=_read_scenario(run_dir),
            info=info,
            sources=sources,
            phases=phases,
            faults=faults,
            ends=ends if (history / "ends.jsonl").is_file() else None,
            hot_writes=hot_writes,
            workers=workers,
            problems=(
                *(*problems, *wrong_phases, *wrong_faults),
                *(*wrong_ends, *wrong_writes, *wrong_workers),
            ),
            damaged=["ends"] if wrong_ends else [],
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
        )

    def query(self, sql: str, parameters: Mapping[str, object] | None = None) -> pa.Table:
        """The answer of one query as a table. ``sql`` is text of this product, never of a run."""
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
        rows = self._connection.execute(sql, parameters).fetchall()
        return rows[0][0] if rows else None

    def derive(self, name: str, sql: str, parameters: Mapping[str, object] | None = None) -> None:
        """Keep the answer of a query as a table of this name; what was kept once is not computed again."""
        if name not in self._derived:
            self._connection.execute(f"CREATE TEMP TABLE {name} AS {sql}", parameters).fetchall()
            self._derived.add(name)

    def keep(self, name: str, rows: Callable[[], pa.Table]) -> None:
        """Keep rows that no query can make as a table of this name; what was kept once is not made again."""
        if name not in self._derived:
            self._connection.register(name, rows())
            self._derived.add(name)

    @property
    def complete(self) -> bool:
        """Whether the run came to its planned end."""
        return self.info is not None and self.info.ended == "complete"


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
        return Scenario.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise RunError(f"{path} cannot be read, and nothing can be judged without it: {error}") from error


def _read_info(history: Path, problems: list[str]) -> RunInfo | None:
    try:
        return RunInfo.load(history)
    except FileNotFoundError:
        problems.append("run.json is not there: the run ended before its load started")
    except (OSError, ValidationError) as error:
        problems.append(f"run.json cannot be read: {error}")
    return None


def _read_hot_writes(history: Path) -> tuple[tuple[HotWriteLine, ...] | None, tuple[str, ...]]:
    files = [read_lines(path, HotWriteLine) for path in sorted(history.glob("hot_writes-*.jsonl"))]
    if not files:
        return None, ()
    return tuple(line for lines, _ in files for line in lines), tuple(w for _, wrong in files for w in wrong)


def _literal(rows: pa.Table | Sequence[Mapping[str, object]] | None, schema: pa.Schema) -> Source:
    if isinstance(rows, pa.Table):
        return Source(rows=rows.cast(plain(schema)), present=True)
    return Source(rows=pa.Table.from_pylist(list(rows or ()), schema=plain(schema)), present=rows is not None)


def _hot_write_rows(lines: Sequence[HotWriteLine], info: RunInfo | None) -> pa.Table:
    epoch_ns = info.epoch_unix_ns if info else 0
    columns = [
        [line.at_unix_ns - epoch_ns for line in lines],
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
