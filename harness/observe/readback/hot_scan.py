"""Reads a table of the hot store in full, token range by token range, at QUORUM."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, Final

from cassandra.cluster import Session
from cassandra.query import PreparedStatement

from pipeline.hot.schema import KEYSPACE

_FIRST_TOKEN: Final = -(2**63)
_TOKENS: Final = 2**64
_RANGES: Final = 64
_SCANS_AT_ONCE: Final = 4
_PAGE_ROWS: Final = 5000

Row = tuple[Any, ...]


def scan(session: Session, table: str, key: Sequence[str], columns: Sequence[str]) -> Iterator[list[Row]]:
    """Every row of the table, in chunks; ``key`` is its partition key. Raises the driver's errors."""
    token = f"token({', '.join(key)})"
    statement = session.prepare(
        f"SELECT {', '.join(columns)} FROM {KEYSPACE}.{table} WHERE {token} >= ? AND {token} <= ?"  # noqa: S608
    )
    with ThreadPoolExecutor(_SCANS_AT_ONCE, thread_name_prefix="hot-scan") as pool:
        yield from pool.map(lambda bounds: _rows(session, statement, bounds), token_ranges(_RANGES))


def token_ranges(count: int) -> list[tuple[int, int]]:
    """The whole ring in ranges of about equal size, both bounds inclusive."""
    edges = [_FIRST_TOKEN + _TOKENS * index // count for index in range(count + 1)]
    return [(first, following - 1) for first, following in pairwise(edges)]


def _rows(session: Session, statement: PreparedStatement, bounds: tuple[int, int]) -> list[Row]:
    bound = statement.bind(bounds)
    bound.fetch_size = _PAGE_ROWS
    return list(session.execute(bound))
