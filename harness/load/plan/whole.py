"""Verifies, independently of the builder, that a plan holds every event of its trace once and unchanged.

An event missing from a plan is never sent, and nothing later would notice. So this is verified before
anything starts, and the trace's number of events is recorded with the run (harness/history/run_info.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import duckdb
import pyarrow.dataset as ds

from harness.base.errors import RunError
from harness.load.plan.payload import FIELDS
from harness.load.traces.sql import one_row

# Statements are assembled from names of this package.
# ruff: noqa: S608

_OWN_FAULT: Final = "this is a bug in Floodmark, not a fault of the trace or the platform"


def require_trace(database: duckdb.DuckDBPyConnection, path: Path, *, events: int) -> None:
    """Raise RunError unless the plan in this file has exactly the ``events`` events of the view ``trace``."""
    fields = ", ".join(FIELDS)
    of_trace = one_row(database, _summed(f"SELECT offset_ms, {fields} FROM trace"))
    columns = ["kind", "event_offset_ms", *FIELDS]
    database.register("written", ds.dataset(path).scanner(columns=columns).to_reader())
    written = f"SELECT event_offset_ms AS offset_ms, {fields} FROM written WHERE kind = 'valid'"
    of_plan = one_row(database, _summed(written))
    database.unregister("written")
    if not events == of_trace[0] == of_plan[0]:
        raise RunError(f"the plan has {of_plan[0]:,} of the trace's {events:,} events: {_OWN_FAULT}")
    if of_trace != of_plan:
        raise RunError(f"the plan's {events:,} events differ from those of the trace: {_OWN_FAULT}")


def _summed(events: str) -> str:
    """Select the number of events, and a checksum that changes if an event is missing or altered."""
    return f"SELECT count(*), coalesce(sum(hash(e)::HUGEINT), 0) FROM ({events}) e"
