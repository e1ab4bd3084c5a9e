"""Detects outlying times that would squeeze a trace's other events into a moment of a scenario's span.

One wrong year, or a sentinel such as 1970-01-01 or 9999-12-31, stretches the trace so much that everything
else is sent at once. Nothing else in a run would reveal that.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import duckdb

from harness.base.documents import Document
from harness.base.errors import InvalidInput, Problem
from harness.load.traces.faults import TraceRows
from harness.load.traces.sql import one_row

# Statements are assembled only from numbers.
# ruff: noqa: S608

_PARTS: Final = 1000
"""Number of equal parts that a trace's extent is cut into."""
_EVENTS_MIN: Final = 10
"""Clusters of fewer events are normal."""
_CLUSTERED: Final = 0.5
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cluster:
    """The events within a short time."""

    events: int
    first_ms: int
    last_ms: int


def notes_on_times(
    database: duckdb.DuckDBPyConnection,
    rows: TraceRows,
    document: Document,
    *,
    events: int,
    first_ms: int,
    last_ms: int,
    span_ms: int,
) -> tuple[str, ...]:
    """Return warnings for a trace with most of its events within a five-hundredth of its extent.

    Raises InvalidInput if different times would collapse into one millisecond of the scenario's span.
    """
    extent_ms = last_ms - first_ms
    if events < _EVENTS_MIN or extent_ms < _PARTS:
        return ()
    cluster = _densest(database, first_ms, extent_ms)
    if cluster.events < events * _CLUSTERED:
        return ()
    described = _described(cluster, events=events, first_ms=first_ms, last_ms=last_ms)
    left_ms = (cluster.last_ms - cluster.first_ms) * span_ms / extent_ms
    example = _outside(database, rows, cluster)
    if cluster.first_ms < cluster.last_ms and left_ms < 1:
        raise InvalidInput(
            [
                Problem(
                    where=document.where(("time",)),
                    found=f"{described}, less than a millisecond of load.event_span; {example}",
                    allowed="times without such outliers: correct or remove those that stand for a missing"
                    " time (nulls can mark them)",
                )
            ]
        )
    return (f"{document.where(('time',))}: {described}; {example}",)


def _densest(database: duckdb.DuckDBPyConnection, first_ms: int, extent_ms: int) -> _Cluster:
    """The two neighbouring parts with the most events: any cluster no longer than a part lies within two."""
    parts = database.execute(
        f"SELECT ((time_ms::HUGEINT - {first_ms}) * {_PARTS} // {extent_ms})::BIGINT AS part,"
        " count(*), min(time_ms), max(time_ms) FROM mapped GROUP BY part ORDER BY part"
    ).fetchall()
    clusters = []
    for (part, count, low, high), (following, more, _, higher) in zip(
        parts, [*parts[1:], (None, 0, 0, 0)], strict=True
    ):
        is_next = following == part + 1
        clusters.append(
            _Cluster(
                events=count + (more if is_next else 0), first_ms=low, last_ms=higher if is_next else high
            )
        )
    return max(clusters, key=lambda cluster: cluster.events)


def _described(cluster: _Cluster, *, events: int, first_ms: int, last_ms: int) -> str:
    share = (cluster.last_ms - cluster.first_ms) / (last_ms - first_ms)
    place = ""
    if cluster.last_ms == last_ms:
        place = "the last "
    elif cluster.first_ms == first_ms:
        place = "the first "
    percent = f"{max(share * 100, 0.01):.2g}%"
    return (
        f"the trace covers {day(first_ms)} to {day(last_ms)};"
        f" {cluster.events:,} of its {events:,} events lie in {place}{percent} of it"
    )


def _outside(database: duckdb.DuckDBPyConnection, rows: TraceRows, cluster: _Cluster) -> str:
    row, time_ms = one_row(
        database,
        f"SELECT row, time_ms FROM trace WHERE time_ms NOT BETWEEN {cluster.first_ms} AND {cluster.last_ms}"
        " ORDER BY row LIMIT 1",
    )
    return f"the first other event is of {day(time_ms)}, in {rows.places({row})[row]}"


def day(time_ms: int) -> str:
    """The date of a time, or its milliseconds if it lies beyond the calendar, as a sentinel may."""
    try:
        return (_EPOCH + timedelta(milliseconds=time_ms)).date().isoformat()
    except OverflowError:
        return f"{time_ms} ms after 1970"
