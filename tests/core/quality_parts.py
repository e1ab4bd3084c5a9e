"""Days of events for tests of what is statistics alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa

from pipeline.quality.sample import Sample

START = datetime(2013, 2, 9, tzinfo=UTC)


def sample_of(values: list[float | None], *, category: str = "UA", rows: int | None = None) -> Sample:
    """Events of one category, a minute apart, with these values."""
    count = len(values)
    times = [START + timedelta(minutes=number) for number in range(count)]
    table = pa.table(
        {
            "event_id": pa.array([f"e{number:05d}" for number in range(count)], pa.string()),
            "event_time": pa.array(times, pa.timestamp("us", tz="UTC")),
            "category": pa.array([category] * count, pa.string()),
            "value": pa.array(values, pa.float64()),
            "quantity": pa.array([100 + number % 5 for number in range(count)], pa.int64()),
        }
    )
    return Sample(events=table, rows=count if rows is None else rows)
