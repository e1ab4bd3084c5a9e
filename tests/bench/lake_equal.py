"""Whether two tables of a lake hold the same rows, told by a checksum of all their columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from harness.base.errors import FloodmarkError
from harness.observe.readback.lake import Lake

_COLUMNS: Final = "SELECT column_name FROM (DESCRIBE FROM lake)"
_CONTENT: Final = """
SELECT count(*) AS rows, coalesce(sum(md5_number_lower(lake::VARCHAR)) % 9223372036854775807, 0) AS checksum
FROM lake
"""
"""Each row as text: a row that is there twice counts twice, and their order does not count."""


class OutputsDiffer(FloodmarkError):
    """Contenders made different rows of the same ones, so their figures do not compare."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a table holds."""

    columns: tuple[str, ...]
    """By name, as one writer orders them in one way and another in another."""
    rows: int
    checksum: int


def content_of(lake: Lake, table: str) -> Content:
    """What a table holds; nothing when it was never written. Raises PlatformError."""
    columns = tuple(sorted(row["column_name"] for row in _answer(lake.query(table, _COLUMNS))))
    for row in _answer(lake.query(table, _CONTENT, columns=columns)):
        return Content(columns=columns, rows=row["rows"], checksum=int(row["checksum"]))
    return Content(columns=(), rows=0, checksum=0)


def require_equal(lake: Lake, pairs: Iterable[tuple[str, str]]) -> int:
    """The rows that were compared. Raises OutputsDiffer with every pair whose tables do not hold the same."""
    problems, compared = [], 0
    for one, other in pairs:
        found, expected = content_of(lake, other), content_of(lake, one)
        compared += expected.rows
        if difference := _difference(expected, found):
            problems.append(f"{other} is not {one}: {difference}")
    if problems:
        raise OutputsDiffer("; ".join(problems))
    return compared


def _answer(batches: Iterable[pa.RecordBatch]) -> Sequence[Mapping[str, Any]]:
    return [row for batch in batches for row in batch.to_pylist()]


def _difference(expected: Content, found: Content) -> str:
    if expected.columns != found.columns:
        return f"columns {', '.join(found.columns) or 'none'}, not {', '.join(expected.columns) or 'none'}"
    if expected.rows != found.rows:
        return f"{found.rows:,} rows, not {expected.rows:,}"
    return "" if expected.checksum == found.checksum else f"other values in {found.rows:,} rows"
