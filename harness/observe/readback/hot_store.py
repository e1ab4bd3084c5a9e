"""Reads back what the hot store holds, in full."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from harness.base.errors import PlatformError
from harness.base.report import Report
from harness.clients.hot_store import HOT_STORE_ERRORS, hot_session
from harness.history.writer import TableWriter
from harness.observe.readback.hot_rows import HOT_EVENTS, HOT_WINDOWS
from harness.observe.readback.hot_scan import scan
from harness.observe.readback.topics import PART_PREFIX
from pipeline.base.endpoints import CassandraEndpoint

_TIMEOUT_S: Final = 60.0


def read_back_hot_store(cassandra: CassandraEndpoint, *, history: Path, report: Report) -> None:
    """Record every row. Raises ``PlatformError`` when a table cannot be read to its end."""
    try:
        with hot_session(cassandra, timeout_s=_TIMEOUT_S) as session:
            for layout in (HOT_EVENTS, HOT_WINDOWS):
                rows = 0
                with TableWriter(history, layout.table, PART_PREFIX) as writer:
                    for chunk in scan(session, layout.source, layout.key, layout.columns):
                        if chunk:
                            writer.write(layout.by_name(chunk))
                            rows += len(chunk)
                report(f"read back {rows:,} rows of {layout.source}")
    except HOT_STORE_ERRORS as error:
        raise PlatformError(f"read-back: {type(error).__name__}: {error}") from error
