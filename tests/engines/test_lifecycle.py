"""The life cycle on a real object store, by an operator's commands: a day goes cold, and comes back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from harness.cli.main import invoke
from harness.scenario.topology import RoleSpec
from pipeline.base.endpoints import Endpoints
from pipeline.base.errors import Archived, DaysArchived
from pipeline.base.options import LakeOptions
from pipeline.days.tables.delta_tables import SILVER_EVENTS
from pipeline.days.tasks.context import Context
from pipeline.days.tasks.day_tasks import context_of, lake_jobs
from pipeline.lake.delta_rs import storage_options, table_root
from pipeline.lake.objects import Objects
from tests.engines.kafka_platform import MIB, platform_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from pipeline.days.tasks.task_runner import TaskRunner

OLD, YOUNG = date(2026, 3, 1), date(2026, 5, 1)
NOW = datetime(2026, 6, 15)
TABLE = "silver/events"
FILE = f"landing/partners/acme/{OLD}/a.csv"
ROWS = [
    {"event_date": OLD, "event_type": "departed", "value": 1.5},
    {"event_date": OLD, "event_type": "cancelled", "value": 2.5},
    {"event_date": YOUNG, "event_type": "departed", "value": 3.5},
]


@dataclass(frozen=True, kw_only=True)
class Lake:
    """A bucket with a table of two days and a partner's file of the older one."""

    endpoints: Endpoints
    file: Path
    objects: Objects
    out: pytest.CaptureFixture[str]

    def fill(self) -> None:
        self.objects.create_bucket()
        self.objects.put(FILE, b"a,b")
        rows = pa.Table.from_pylist(ROWS)
        uri, options = self._at(TABLE)
        write_deltalake(uri, rows, partition_by=["event_date", "event_type"], storage_options=options)

    def rows(self, table: str = TABLE) -> list[dict[str, Any]]:
        uri, options = self._at(table)
        found = DeltaTable(uri, storage_options=options).to_pyarrow_table().to_pylist()
        return sorted(found, key=lambda row: float(row["value"]))

    def command(self, *words: str, exit_code: int = 0) -> dict[str, Any]:
        """What a command of ``floodmark lake`` prints as JSON."""
        self.out.readouterr()
        assert invoke(["lake", *words, "--endpoints", str(self.file), "--output", "json"]) == exit_code
        answer: dict[str, Any] = json.loads(self.out.readouterr().out)
        return answer

    def archived(self) -> Lake:
        self.command("lifecycle", "--apply", "--as-of", NOW.isoformat())
        return self

    def restored(self, at: datetime, *words: str) -> dict[str, dict[str, Any]]:
        """What becomes of each piece of the day that is asked for."""
        answer = self.command("restore", "--date", str(OLD), "--as-of", at.isoformat(), *words)
        return {piece["name"]: piece for piece in answer["pieces"]}

    def context(self) -> Context:
        """What a task works with. Of the archive it learns before it asks Spark for anything."""
        return context_of(
            cast("SparkSession", None),
            self.endpoints,
            LakeOptions(),
            holder="test",
            now=lambda: NOW.replace(tzinfo=UTC),
        )

    def _at(self, table: str) -> tuple[str, dict[str, str]]:
        store = self.endpoints.object_store
        return f"{table_root(store)}/{table}", storage_options(store)


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoints]:
    store = {"node": RoleSpec(count=1, memory=128 * MIB)}
    with platform_of(tmp_path_factory.mktemp("lifecycle"), object_store=store) as running:
        yield running.endpoints


@pytest.fixture
def lake(platform: Endpoints, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Lake:
    bucket = tmp_path.name.replace("_", "-").lower()[:60].strip("-")
    endpoints = platform.replacing(replace(platform.object_store, bucket=bucket))
    endpoints.save(tmp_path / "endpoints.json")
    objects = Objects(endpoints.object_store)
    found = Lake(endpoints=endpoints, file=tmp_path / "endpoints.json", objects=objects, out=capsys)
    found.fill()
    return found


def test_what_would_be_moved_is_shown_and_nothing_is_changed(lake: Lake) -> None:
    before = lake.objects.sizes("")
    answer = lake.command("lifecycle", "--as-of", NOW.isoformat())
    assert [(move["name"], move["files"]) for move in answer["moves"]] == [(FILE, 1), (f"{TABLE}/{OLD}", 2)]
    assert (answer["applied"], answer["archived_days"]) == (False, [])
    assert lake.objects.sizes("") == before


def test_a_day_that_is_moved_has_left_its_table_and_the_younger_one_has_not(lake: Lake) -> None:
    answer = lake.command("lifecycle", "--apply", "--as-of", NOW.isoformat())
    assert answer["archived_days"] == [str(OLD)]
    assert lake.rows() == ROWS[2:]
    assert lake.objects.list("landing/partners/") == ()
    assert lake.command("lifecycle", "--as-of", NOW.isoformat())["moves"] == []


def test_no_task_takes_a_day_in_the_archive_for_an_empty_one(lake: Lake) -> None:
    context = lake.archived().context()
    with pytest.raises(DaysArchived, match=f"{OLD} cannot be run again"):
        lake_jobs(context, cast("TaskRunner", None), on_days_chosen=lambda days: None).run_days([OLD])
    with pytest.raises(Archived, match=f"{TABLE}/{OLD} is in cold storage .* takes 3 to 5 h"):
        context.read_day(SILVER_EVENTS, 0, OLD)


def test_what_was_asked_for_is_readable_hours_later_with_the_same_content(lake: Lake) -> None:
    asked = lake.archived().restored(NOW)
    assert [piece["readable"] for piece in asked.values()] == [False, False]
    ready = [datetime.fromisoformat(p["ready_at"]).replace(tzinfo=None) for p in asked.values()]
    assert all(timedelta(hours=3) <= moment - NOW <= timedelta(hours=5) for moment in ready)
    there = lake.restored(max(ready))
    assert all(piece["readable"] for piece in there.values())
    (table,), (file,) = there[f"{TABLE}/{OLD}"]["where"], there[FILE]["where"]
    assert lake.rows(table) == ROWS[:2]
    assert lake.objects.get(file) == b"a,b"
    assert lake.rows() == ROWS[2:]


def test_a_table_of_the_day_may_be_restored_alone(lake: Lake) -> None:
    assert list(lake.archived().restored(NOW, "--table", TABLE)) == [f"{TABLE}/{OLD}"]


def test_what_is_not_in_the_archive_is_refused_with_what_is(lake: Lake) -> None:
    command = ("restore", "--date", str(YOUNG))
    assert "allowed: a day in the archive: none yet" in _refusal(lake, *command)
    assert f"allowed: a day in the archive: {OLD}" in _refusal(lake.archived(), *command)
    table = ("restore", "--date", str(OLD), "--table", "gold/daily")
    assert f"--table: found gold/daily; allowed: a table of which {OLD} is in" in _refusal(lake, *table)


def _refusal(lake: Lake, *words: str) -> str:
    return str(lake.command(*words, exit_code=2)["error"]["message"])
