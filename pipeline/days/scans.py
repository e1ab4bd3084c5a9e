"""How much of a table a query makes Spark read: what partitions, statistics and filters spare it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What Spark's scan of the files says of itself."""

    files: int
    """Files that were opened."""
    bytes: int
    """Their sizes: of a file whose row groups are skipped it reads less than that."""
    rows: int
    """Rows that the files gave, before the query's own filter."""


def scan(query: DataFrame) -> Scan:
    """Carry out a query that only filters and selects rows of one table, and keeps none of them.

    A query with a join, an order or an aggregate is not for this: adaptive execution hides its scans.
    """
    execution: Any = query._jdf.queryExecution()
    execution.toRdd().count()
    leaves = execution.executedPlan().collectLeaves()
    found = [leaves.apply(number).metrics() for number in range(leaves.size())]
    if len(found) != 1 or not found[0].contains("numFiles"):
        raise ValueError(f"not a query of one table's files: {execution.executedPlan().toString()}")
    files, size, rows = (found[0].apply(name).value() for name in ("numFiles", "filesSize", "numOutputRows"))
    return Scan(files=files, bytes=size, rows=rows)
