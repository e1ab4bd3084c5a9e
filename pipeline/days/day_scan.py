"""What a query of one day and one of its types reads of Silver, as it lies now."""

from __future__ import annotations

import time
from collections import Counter
from datetime import date
from typing import Final

from pipeline.days.events import Scanned
from pipeline.days.scans import scan
from pipeline.days.tables import DAY, SILVER_EVENTS
from pipeline.days.tasks.context import Context

_TYPE: Final = "event_type"


def scan_day(context: Context, day: date) -> Scanned | None:
    """Carry the query out and measure it; None where Silver has nothing of the day.

    The type is the one that has the most bytes of the day: that of another spares more. What all of the table
    has is asked of its log, as a full scan of it takes as long as the table is large.
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
