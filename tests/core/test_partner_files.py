"""The files that partners drop, and what the lake must make of each row."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import csv

from harness.base.errors import InvalidInput
from harness.run.lake.partner_files import PartnerFile, partner_file, require_events
from harness.run.real.assembly import real_parts
from harness.scenario.lake_steps import DAY_S, Drop, LakeStage, RunDays
from tests.core.events_parts import plan_row, write_plan
from tests.core.scenario_parts import rides

ORIGIN_MS = int(datetime(2026, 11, 20, tzinfo=UTC).timestamp() * 1000)
DAY_MS = round(DAY_S * 1000)


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two days of a hundred events each."""
    rows = [
        plan_row(
            n, event_offset_ms=n * DAY_MS // 100, late=n % 10 == 0, event_id=f"e{n}", quantity=n, value=n / 4
        )
        for n in range(200)
    ]
    return write_plan(tmp_path_factory.mktemp("plan") / "plan.parquet", rows)


def step(**changes: Any) -> Drop:
    return Drop(**{"partner": "tower", "day": 2, "format": "csv", "events": 40, **changes})


def dropped(plan: Path, **changes: Any) -> PartnerFile:
    return partner_file(step(**changes), number=3, plan=plan, origin_ms=ORIGIN_MS, seed=1)


def test_a_file_lies_under_its_partner_and_its_day(plan: Path) -> None:
    assert dropped(plan).key == "landing/partners/tower/2026-11-21/003.csv"


def test_a_file_is_the_same_for_the_same_seed(plan: Path) -> None:
    assert dropped(plan).content == dropped(plan).content


def test_all_rows_are_of_the_day_and_none_is_of_a_late_event(plan: Path) -> None:
    times = dropped(plan).rows["event_time_ms"].to_pylist()
    assert {(t - ORIGIN_MS) // DAY_MS for t in times} == {1}
    assert all((t - ORIGIN_MS) * 100 // DAY_MS % 10 for t in times)


def test_second_copies_keep_the_identity_that_came_through_kafka(plan: Path) -> None:
    ids = dropped(plan, duplicates=0.5).rows["event_id"].to_pylist()
    assert (sum(i.startswith("tower-3-") for i in ids), sum(i.startswith("e") for i in ids)) == (40, 20)


def test_a_broken_row_is_broken_in_the_way_that_its_reason_says(plan: Path) -> None:
    rows = [row for row in dropped(plan, malformed=0.1).rows.to_pylist() if row["reason"]]
    assert [row["reason"] for row in rows].count("pattern:event_type") == 2
    assert {row["reason"] for row in rows if row["quantity"] == -1} == {"range:quantity"}


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_every_format_holds_the_rows_in_the_order_of_their_positions(plan: Path, kind: str) -> None:
    file = dropped(plan, format=kind, added=("gate",))
    read = {
        "csv": lambda: csv.read_csv(io.BytesIO(file.content)).to_pylist(),
        "jsonl": lambda: [orjson.loads(line) for line in file.content.splitlines()],
        "parquet": lambda: pq.read_table(io.BytesIO(file.content)).to_pylist(),
    }[kind]()
    assert [row["event_id"] for row in read] == file.rows["event_id"].to_pylist()
    assert [row["event_time"] for row in read] == file.rows["event_time_ms"].to_pylist()
    assert read[0]["gate"] == "gate-0"


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ("renamed_field", lambda schema: "kind" in schema.names and "event_type" not in schema.names),
        ("missing_field", lambda schema: "event_id" not in schema.names),
        ("narrowed_type", lambda schema: schema.field("value").type == pa.int32()),
    ],
)
def test_a_damaged_file_is_damaged_and_no_row_of_it_is_expected(plan: Path, damage: str, told: Any) -> None:
    file = dropped(plan, format="parquet", damage=damage)
    assert told(pq.read_schema(io.BytesIO(file.content)))
    assert file.rows.num_rows == 0


def test_a_truncated_file_cannot_be_read(plan: Path) -> None:
    with pytest.raises(pa.ArrowInvalid):
        pq.read_schema(io.BytesIO(dropped(plan, format="parquet", damage="truncated").content))


def test_files_of_more_events_than_their_day_has_are_refused_all_at_once(plan: Path) -> None:
    steps = [step(events=90), step(day=1, events=91), RunDays(days=(1,)), step(events=80, duplicates=0.2)]
    with pytest.raises(InvalidInput) as error:
        require_events(LakeStage(steps=tuple(steps)), plan, scenario="rides")
    allowed = "allowed: at most 90, the load's valid events of that day in time"
    assert list(map(str, error.value.problems)) == [
        f"rides: lake.steps[1].events: found 91 with duplicates, out of day 1; {allowed}",
        f"rides: lake.steps[3].events: found 96 with duplicates, out of day 2; {allowed}",
    ]


def test_the_file_of_a_day_that_has_just_enough_events_can_be_made(plan: Path) -> None:
    stage = LakeStage(steps=(step(events=60, duplicates=0.5),))
    require_events(stage, plan, scenario="rides")
    assert dropped(plan, events=60, duplicates=0.5).rows.num_rows == 90


def test_a_run_is_refused_before_anything_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOODMARK_CACHE", str(tmp_path))
    stage = LakeStage(steps=(step(day=300, events=1),))
    with pytest.raises(InvalidInput, match="out of day 300; allowed: at most 0"):
        real_parts("process", None).prepare(rides().model_copy(update={"lake": stage}), lambda said: None)
