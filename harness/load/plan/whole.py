"""Verifies that a plan's file holds its trace, whatever its builder did: every event once, in every field.

An event that a plan lacks is never sent, and nothing after the plan misses it. So this is verified before
anything starts, and what the trace had is recorded with the run (harness/history/run_info.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import duckdb
import pyarrow.dataset as ds

from harness.base.errors import RunError
from harness.load.plan.payload import FIELDS
from harness.load.traces.sql import one_row

# Statements are put together from names of this package.
# ruff: noqa: S608

_OURS: Final = "this is a fault of Floodmark's own, neither of the trace nor of the platform"


def require_trace(database: duckdb.DuckDBPyConnection, path: Path, *, events: int) -> None:
    """Raises RunError unless the plan in this file has the events of the view ``trace``, so many of them."""
    fields = ", ".join(FIELDS)
    of_trace = one_row(database, _summed(f"SELECT offset_ms, {fields} FROM trace"))
    columns = ["kind", "event_offset_ms", *FIELDS]
    database.register("written", ds.dataset(path).scanner(columns=columns).to_reader())
    written = f"SELECT event_offset_ms AS offset_ms, {fields} FROM written WHERE kind = 'valid'"
    of_plan = one_row(database, _summed(written))
    database.unregister("written")
    if not events == of_trace[0] == of_plan[0]:
        raise RunError(f"the plan has {of_plan[0]:,} of the trace's {events:,} events: {_OURS}")
    if of_trace != of_plan:
        raise RunError(f"the plan's {events:,} events are not those of the trace: {_OURS}")


def _summed(events: str) -> str:
    """The number of events, and a sum that changes if any event is left out or altered."""
    return f"SELECT count(*), coalesce(sum(hash(e)::HUGEINT), 0) FROM ({events}) e"
