"""Measures how much of a table a query makes Spark read, after partitions, statistics and filters."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from pipeline.days.tables.delta_tables import DAY, SILVER_EVENTS
from pipeline.days.tasks.context import Context
from pipeline.days.tasks.job_events import Scanned

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """The metrics of Spark's scan of a table's files."""

    files: int
    """Files that were opened."""
    bytes: int
    """Sizes of the opened files. Spark reads less of a file whose row groups it skips."""
    rows: int
    """Rows read from the files, before the query's own filter."""


def scan(query: DataFrame) -> Scan:
    """Run a query that only filters and selects rows of one table, discard its rows, and return its metrics.

    Queries with a join, an order or an aggregate are not supported: adaptive execution hides their scans.
    Raises ValueError for them.
    """
    execution: Any = query._jdf.queryExecution()
    execution.toRdd().count()
    leaves = execution.executedPlan().collectLeaves()
    found = [leaves.apply(number).metrics() for number in range(leaves.size())]
    if len(found) != 1 or not found[0].contains("numFiles"):
        raise ValueError(f"not a query of one table's files: {execution.executedPlan().toString()}")
    files, size, rows = (found[0].apply(name).value() for name in ("numFiles", "filesSize", "numOutputRows"))
    return Scan(files=files, bytes=size, rows=rows)


_TYPE: Final = "event_type"


def scan_day(context: Context, day: date) -> Scanned | None:
    """Query one day and one event type of Silver, and measure it; None if Silver has no such day.

    The type is the one with the most bytes of the day, for which skipping saves the least. The totals of the
    table come from its log, because a full scan would take too long.
    """
    tables = context.stores.tables
    every = tables.live(SILVER_EVENTS.name)
    bytes_by_type: Counter[str] = Counter()
    for file in tables.describe(SILVER_EVENTS.name, day).files if every else ():
        bytes_by_type[file.partition_values[_TYPE] or ""] += file.bytes
    if not bytes_by_type:
        return None
    largest = min(bytes_by_type, key=lambda name: (-bytes_by_type[name], name))
    rows = context.spark.read.format("delta").load(context.uri(SILVER_EVENTS))
    found = scan(rows.where((rows[DAY] == day) & (rows[_TYPE] == largest)))
    return Scanned(
        at_monotonic_ns=time.monotonic_ns(),
        query=f"{SILVER_EVENTS.name} of {day}, {largest} alone",
        files_read=found.files,
        files_all=len(every),
        bytes_read=found.bytes,
        bytes_all=sum(file.bytes for file in every),
    )
