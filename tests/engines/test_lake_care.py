"""Care for the tables of a lake on a real object store, by an operator's command."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from harness.artifacts import ensure
from harness.artifacts.java import find_java
from harness.cli.main import invoke
from harness.observe.readback.lake import lake_of
from harness.observe.readback.lake_contents import contents
from harness.scenario.topology import RoleSpec
from harness.services.protocol import Jvm
from harness.services.spark import own_session
from pipeline.base.endpoints import Endpoints
from pipeline.days.tables.delta_tables import GOLD_ENTITIES, SILVER_EVENTS, Table
from pipeline.lake.delta_rs import storage_options, table_root
from pipeline.lake.objects import Objects
from tests.engines.kafka_platform import MIB, platform_of

DAYS = [date(2026, 3, 1), date(2026, 3, 2)]
QUARANTINE = SILVER_EVENTS.quarantine
ORDER = [("table", "ascending"), ("event_date", "ascending")]
WRITES = 3
"""Each leaves a file for every day."""


@dataclass(frozen=True, kw_only=True)
class Cared:
    """A lake before and after a command."""

    endpoints: Endpoints
    before: pa.Table
    after: pa.Table
    told: dict[str, dict[str, Any]]
    """By table."""


@pytest.fixture(scope="module")
def endpoints(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoints]:
    home = ensure(["spark"], report=lambda _: None).home("spark")
    store = {"node": RoleSpec(count=1, memory=128 * MIB)}
    with platform_of(tmp_path_factory.mktemp("care"), object_store=store) as running:
        yield running.endpoints.adding(own_session(home=home, jvm=Jvm(java=find_java(), jit="c1")))


@pytest.fixture(scope="module")
def cared(endpoints: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Cared:
    file = tmp_path_factory.mktemp("command") / "endpoints.json"
    endpoints.save(file)
    Objects(endpoints.object_store).create_bucket()
    for table in (SILVER_EVENTS, QUARANTINE, GOLD_ENTITIES):
        for number in range(WRITES):
            write(endpoints, table, number)
    lake = lake_of(endpoints.object_store)
    before = contents(lake, DAYS).sort_by(ORDER)
    # Silver is clustered then; the entities, which have no columns for it, are compacted.
    answer = command(file, "--since", str(DAYS[1]), "--cluster")
    told = {told["table"]: told for told in answer["tables"]}
    return Cared(endpoints=endpoints, before=before, after=contents(lake, DAYS).sort_by(ORDER), told=told)


def write(endpoints: Endpoints, table: Table, number: int) -> None:
    rows = pa.table(
        {
            "event_date": pa.array(DAYS, pa.date32()),
            "event_type": ["departed"] * len(DAYS),
            "event_id": [f"{number}-{day}" for day in DAYS],
            "entity_id": [f"e{number}"] * len(DAYS),
        }
    )
    write_deltalake(
        f"{table_root(endpoints.object_store)}/{table.name}",
        rows,
        mode="append",
        partition_by=list(table.partition_columns),
        storage_options=storage_options(endpoints.object_store),
    )


def command(file: Path, *words: str, exit_code: int = 0) -> dict[str, Any]:
    """What ``floodmark lake care`` prints as JSON."""
    with redirect_stdout(StringIO()) as out:
        assert invoke(["lake", "care", *words, "--endpoints", str(file), "--output", "json"]) == exit_code
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


def test_every_row_stays_what_it_was(cared: Cared) -> None:
    assert cared.before.num_rows == len(DAYS) + 1
    assert cared.after.equals(cared.before)


def test_small_files_of_the_days_asked_for_are_joined(cared: Cared) -> None:
    silver = cared.told[SILVER_EVENTS.name]
    assert (silver["files_before"], silver["files_after"]) == (2 * WRITES, WRITES + 1)
    assert (silver["files_rewritten"], silver["files_deleted"]) == (WRITES, 0)
    assert silver["bytes_before"] != silver["bytes_after"]
    options = storage_options(cared.endpoints.object_store)
    table = DeltaTable(
        f"{table_root(cared.endpoints.object_store)}/{SILVER_EVENTS.name}", storage_options=options
    )
    assert len(table.file_uris()) == silver["files_after"]


def test_a_table_without_days_is_cared_for_as_a_whole(cared: Cared) -> None:
    entities = cared.told[GOLD_ENTITIES.name]
    assert (entities["files_before"], entities["files_after"]) == (WRITES, 1)


def test_the_quarantine_is_cared_for_and_what_was_never_written_is_not(cared: Cared) -> None:
    assert list(cared.told) == [SILVER_EVENTS.name, QUARANTINE.name, GOLD_ENTITIES.name]
