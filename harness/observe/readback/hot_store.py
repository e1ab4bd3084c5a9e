"""Reads back the hot store in full, token range by token range, at QUORUM."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Final

from cassandra.cluster import Session
from cassandra.query import PreparedStatement

from harness.base.errors import PlatformError
from harness.base.report import Report
from harness.clients.hot_store import HOT_STORE_ERRORS, hot_session
from harness.history.writer import TableWriter
from harness.observe.readback.hot_rows import HOT_EVENTS, HOT_WINDOWS, Row
from harness.observe.readback.topics import PART_PREFIX
from pipeline.base.endpoints import CassandraEndpoint
from pipeline.hot.schema import KEYSPACE

_TIMEOUT_S: Final = 60.0
_FIRST_TOKEN: Final = -(2**63)
_TOKENS: Final = 2**64
_RANGES: Final = 64
_SCANS_AT_ONCE: Final = 4
_PAGE_ROWS: Final = 5000


def read_back_hot_store(cassandra: CassandraEndpoint, *, history: Path, report: Report) -> None:
    """Record every row. Raises ``PlatformError`` when a table cannot be read in full."""
    try:
        with hot_session(cassandra, timeout_s=_TIMEOUT_S) as session:
            for layout in (HOT_EVENTS, HOT_WINDOWS):
                rows = 0
                with TableWriter(history, layout.table, PART_PREFIX) as writer:
                    for chunk in _scan(session, layout.source, layout.key, layout.columns):
                        if chunk:
                            writer.write(layout.by_name(chunk))
                            rows += len(chunk)
                report(f"read back {rows:,} rows of {layout.source}")
    except HOT_STORE_ERRORS as error:
        raise PlatformError(f"read-back: {type(error).__name__}: {error}") from error


def _scan(session: Session, table: str, key: Sequence[str], columns: Sequence[str]) -> Iterator[list[Row]]:
    """Every row of the table, in chunks; ``key`` is its partition key. Raises the driver's errors."""
    token = f"token({', '.join(key)})"
    statement = session.prepare(
        f"SELECT {', '.join(columns)} FROM {KEYSPACE}.{table} WHERE {token} >= ? AND {token} <= ?"  # noqa: S608
    )
    with ThreadPoolExecutor(_SCANS_AT_ONCE, thread_name_prefix="hot-scan") as pool:
        yield from pool.map(lambda bounds: _rows(session, statement, bounds), token_ranges(_RANGES))


def token_ranges(count: int) -> list[tuple[int, int]]:
    """Split the whole ring into ranges of about equal size, both bounds inclusive."""
    edges = [_FIRST_TOKEN + _TOKENS * index // count for index in range(count + 1)]
    return [(first, following - 1) for first, following in pairwise(edges)]


def _rows(session: Session, statement: PreparedStatement, bounds: tuple[int, int]) -> list[Row]:
    bound = statement.bind(bounds)
    bound.fetch_size = _PAGE_ROWS
    return list(session.execute(bound))
