"""What days hold is told by a checksum of all their rows, whatever their order."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from harness.observe.readback.lake import Lake, lake_of
from harness.observe.readback.lake_contents import contents
from pipeline.base.endpoints import ObjectStoreEndpoint

DAY = date(2026, 11, 20)
ROWS = pa.table(
    {"event_date": [DAY, DAY, DAY + timedelta(days=1)], "key": ["a", "b", "c"], "n": [1, None, 3]}
)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(root=str(tmp_path))


def put(lake: Lake, rows: pa.Table, table: str = "gold/daily") -> None:
    write_deltalake(f"{lake.root}/{table}", rows, mode="overwrite", schema_mode="overwrite")


def held(lake: Lake) -> dict[str, tuple[int, int]]:
    return {row["table"]: (row["rows"], row["checksum"]) for row in contents(lake, [DAY]).to_pylist()}


def test_the_rows_of_the_days_are_counted_and_no_others(lake: Lake) -> None:
    put(lake, ROWS)
    assert held(lake)["gold/daily"][0] == 2


def test_a_checksum_does_not_depend_on_the_order_of_the_rows(lake: Lake) -> None:
    put(lake, ROWS)
    before = held(lake)
    put(lake, ROWS.take([2, 1, 0]))
    assert held(lake) == before


@pytest.mark.parametrize("column", ["key", "n"])
def test_any_value_that_changes_changes_the_checksum(lake: Lake, column: str) -> None:
    put(lake, ROWS)
    before = held(lake)
    changed = ROWS.set_column(ROWS.schema.get_field_index(column), column, ROWS[column].take([1, 1, 2]))
    put(lake, changed)
    assert held(lake) != before


def test_a_table_without_days_is_told_as_a_whole(lake: Lake) -> None:
    put(lake, ROWS.drop_columns(["event_date"]), "gold/entities")
    assert held(lake)["gold/entities"][0] == 3


def test_a_lake_without_tables_holds_nothing(lake: Lake) -> None:
    assert held(lake) == {}


def test_credentials_are_told_to_the_client_and_shown_to_nobody() -> None:
    hush = "hush"
    lake = lake_of(ObjectStoreEndpoint(url="http://127.0.0.1:9000", access_key="id", secret_key=hush))
    assert hush in lake.storage_options.values()
    assert hush not in repr(lake)
