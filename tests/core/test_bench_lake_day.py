"""The bench's day of Bronze: so many rows, all of one day, each identity as often as the plan has it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.bench.lake_day import DAY, write_day
from tests.core.events_parts import plan_row, write_plan

HOUR_MS = 3_600_000


def bronze(folder: Path, events: int) -> list[dict[str, Any]]:
    plan = [
        plan_row(0, payload=b'{"event_id":"a"}', event_offset_ms=30 * HOUR_MS),
        plan_row(1, payload=b'{"event_id":"b"}', event_offset_ms=HOUR_MS),
        plan_row(2, kind="malformed", payload=b'\xff"event_id":"c"'),
        plan_row(3, kind="closing", payload=b'{"event_id":"d"}'),
    ]
    write_day(write_plan(folder / "plan.parquet", plan), folder / "day.parquet", events=events)
    rows: list[dict[str, Any]] = pq.read_table(folder / "day.parquet").to_pylist()
    return rows


@pytest.mark.parametrize("events", [1, 3, 4, 8])
def test_there_are_as_many_rows_as_were_asked_for_each_at_its_own_place(tmp_path: Path, events: int) -> None:
    rows = bronze(tmp_path, events)
    assert len({(row["source_partition"], row["source_position"]) for row in rows}) == len(rows) == events


def test_the_plan_comes_again_under_other_identities_and_what_is_malformed_as_it_is(tmp_path: Path) -> None:
    assert [row["value"] for row in bronze(tmp_path, 6)] == [
        *(b'{"event_id":"0-a"}', b'{"event_id":"0-b"}', b'\xff"event_id":"c"'),
        *(b'{"event_id":"1-a"}', b'{"event_id":"1-b"}', b'\xff"event_id":"c"'),
    ]


def test_every_event_is_of_the_day_at_its_own_hour(tmp_path: Path) -> None:
    times = [row["event_time"] for row in bronze(tmp_path, 2)]
    assert [(time.date(), time.hour) for time in times] == [(DAY, 6), (DAY, 1)]
