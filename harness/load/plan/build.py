"""Builds a plan into the cache, atomically and once even if several runs need it."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import duckdb
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from harness.base.report import Report
from harness.history.plan_schema import PLAN
from harness.load.plan.arranged import Arrangement, arrange
from harness.load.plan.closing import CATEGORY, EVENT_TYPE, Closing
from harness.load.plan.event_size import largest_of
from harness.load.plan.file import PlanFile
from harness.load.plan.mixing import Mix, Sendings, mix_in, plan_query
from harness.load.plan.payload import FIELDS
from harness.load.plan.whole import require_trace
from harness.load.traces.sql import one_row
from harness.load.traces.trace import AnyTrace, TraceFacts, opened, read_trace
from harness.load.traces.trace_file import TraceFile
from harness.scenario.model import Scenario

_ROW_GROUP: Final = 65_536
_COUNTS: Final = "SELECT kind, count(*), count(*) FILTER (late) FROM sendings GROUP BY kind"


def build_into(target: Path, scenario: Scenario, trace: AnyTrace, key: str, report: Report) -> None:
    """Build the plan unless another run has done so.

    Raises InvalidInput for a faulty trace, and RunError if the built plan does not match the trace.
    """
    with build_folder(target.parent, report) as folder:
        if target.is_file():
            return
        began_s = time.monotonic()
        partial = folder / target.name
        plan = _build(partial, scenario, trace, key, folder)
        partial.replace(target)
        report(f"planned {plan.events:,} events in {time.monotonic() - began_s:.1f} s")


@contextmanager
def build_folder(plans: Path, report: Report) -> Iterator[Path]:
    """Lock the cache for one run and yield a folder to build in. Leftovers of killed runs are removed."""
    plans.mkdir(parents=True, exist_ok=True)
    with (plans / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report("waiting for another run that is building a plan")
            fcntl.flock(lock, fcntl.LOCK_EX)
        for left_over in plans.glob(".building-*"):
            shutil.rmtree(left_over)
        with tempfile.TemporaryDirectory(prefix=".building-", dir=plans) as folder:
            yield Path(folder)


def _build(path: Path, scenario: Scenario, trace: AnyTrace, key: str, folder: Path) -> PlanFile:
    with opened(trace, folder) as (database, files):
        facts = read_source(database, files, trace, scenario)
        events = _arranged(database, scenario, events=facts.events)
        mix = _mix(scenario)
        sendings = mix_in(database, mix, events=events)
        closing = _closing(scenario, database, sendings)
        plan = replace(_facts(path, key, database, sendings, closing, trace_events=events), notes=facts.notes)
        plan = _write(database, mix, plan, closing)
        require_trace(database, path, events=events)
        return plan


def read_source(
    database: duckdb.DuckDBPyConnection, files: Sequence[TraceFile], trace: AnyTrace, scenario: Scenario
) -> TraceFacts:
    """Make the view ``trace`` of the trace's events to be sent, at its own times."""
    load, curve = scenario.load, scenario.load.arrangement
    return read_trace(
        database,
        files,
        trace,
        span_ms=_span_ms(scenario),
        events_max=load.events if curve is None else curve.events,
        by_own_times=curve is None,
    )


def _arranged(database: duckdb.DuckDBPyConnection, scenario: Scenario, *, events: int) -> int:
    """Arrange the view ``trace`` by the scenario's profile, if any. Returns its number of events."""
    load, curve = scenario.load, scenario.load.arrangement
    if curve is None:
        return events
    arrangement = Arrangement(
        curve=curve,
        arrivals=load.arrivals,
        seed=scenario.seed,
        time_scale=load.time_scale,
        where=f"{scenario.name}: load.profile",
    )
    return arrange(database, arrangement, events=events)


def _span_ms(scenario: Scenario) -> int:
    return round(scenario.load.event_span * 1000)


def _mix(scenario: Scenario) -> Mix:
    return Mix(
        inject=scenario.load.inject,
        seed=scenario.seed,
        span_ms=_span_ms(scenario),
        dedup_horizon_s=scenario.pipeline.stream.dedup_horizon_s,
        out_of_orderness_ms=_out_of_orderness_ms(scenario),
    )


def _out_of_orderness_ms(scenario: Scenario) -> int:
    return round(scenario.pipeline.stream.out_of_orderness_event_s * 1000)


def _closing(scenario: Scenario, database: duckdb.DuckDBPyConnection, sendings: Sendings) -> Closing:
    (last_event_ms,) = one_row(database, "SELECT max(event_offset_ms) FROM sendings")
    return Closing(
        last_event_ms=last_event_ms,
        last_send_ms=sendings.last_ms,
        pause_ms=round(scenario.load.time_scale * 1000),
        out_of_orderness_ms=_out_of_orderness_ms(scenario),
        partitions=scenario.pipeline.topics.partitions,
    )


def _facts(
    path: Path,
    key: str,
    database: duckdb.DuckDBPyConnection,
    sendings: Sendings,
    closing: Closing,
    *,
    trace_events: int,
) -> PlanFile:
    counts = {"valid": 0, "duplicate": 0, "conflict": 0, "malformed": 0, "late": 0}
    for kind, count, late in database.execute(_COUNTS).fetchall():
        counts[kind] = count
        counts["late"] += late if kind == "valid" else 0
    ticks = list(closing.ticks())
    return PlanFile(
        path=path,
        key=key,
        events=sendings.count + len(ticks),
        trace_events=trace_events,
        counts={**counts, "closing": len(ticks)},
        span_ms=closing.second_ms,
        last_send_ms=ticks[-1].send_offset_ms,
    )


def _write(database: duckdb.DuckDBPyConnection, mix: Mix, plan: PlanFile, closing: Closing) -> PlanFile:
    """Write the events. Returns the plan with the size of its largest event."""
    largest_bytes = 0
    with pq.ParquetWriter(plan.path, PLAN, compression="zstd", compression_level=1) as writer:
        rows: pa.RecordBatchReader = database.sql(plan_query(mix)).to_arrow_reader(_ROW_GROUP)
        for group in rows:
            writer.write_table(_as_plan(pa.Table.from_batches([group])))
            largest_bytes = max(largest_bytes, largest_of(group))
        writer.write_table(_ticks(closing, plan.events - plan.counts["closing"]))
        plan = replace(plan, largest_event_bytes=largest_bytes)
        writer.add_key_value_metadata(plan.facts())
    return plan


def _as_plan(rows: pa.Table) -> pa.Table:
    """Convert the rows to the plan's schema."""
    columns = []
    for field in PLAN:
        column = rows.column(field.name)
        if pa.types.is_dictionary(field.type):
            column = pc.dictionary_encode(column.cast(pa.string()))
        columns.append(column.cast(field.type))
    return pa.table(columns, schema=PLAN)


def _ticks(closing: Closing, first_seq: int) -> pa.Table:
    rows = []
    for seq, tick in enumerate(closing.ticks(), start=first_seq):
        fields = {
            "event_id": tick.event_id,
            "event_type": EVENT_TYPE,
            "entity_id": tick.entity_id,
            "category": CATEGORY,
        }
        rows.append(
            {
                **fields,
                "seq": seq,
                "kind": "closing",
                "late": False,
                "original_seq": seq,
                "event_offset_ms": tick.event_offset_ms,
                "send_offset_ms": tick.send_offset_ms,
                "payload": orjson.dumps({name: fields.get(name) for name in FIELDS}),
            }
        )
    return pa.Table.from_pylist(rows, schema=PLAN)
