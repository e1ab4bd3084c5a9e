"""The lake read back by another implementation than the one that writes it."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from harness.base.errors import PlatformError
from harness.history.lake_schema import LAKE_TABLES
from harness.history.reader import History
from harness.observe.readback.lake import Lake
from harness.observe.readback.lake_tables import record_batch_tables
from pipeline.lake.delta_rs import message_of
from tests.core.lake_histories import batch_day, wrong

LAYERS = {
    "landing/events": """
        SELECT event_date, source_partition AS partition FROM oracle_bronze WHERE source = 'kafka'
    """,
    "bronze/events": """
        SELECT b.*, CASE WHEN source = 'kafka' THEN p.payload ELSE '{}'::BLOB END AS value
        FROM (SELECT * EXCLUDE (payload_digest, value) FROM oracle_bronze) b
        LEFT JOIN (FROM readback_events WHERE topic = 'events') r
            ON r."offset" = source_position AND source = 'kafka'
        LEFT JOIN payloads p USING (seq)
    """,
    "silver/events": """
        SELECT * REPLACE (attributes::JSON::MAP(VARCHAR, VARCHAR) AS attributes) FROM oracle_silver
    """,
    "silver/rejects": "SELECT event_date, reason, source FROM oracle_rejects, range(rows)",
    "gold/daily": "FROM oracle_daily",
    "gold/hourly": "FROM oracle_hourly",
    "gold/entity_days": """
        SELECT *, last_events[1].type AS last_event_type, last_events[1].value AS last_value
        FROM oracle_entity_days
    """,
    "gold/entities": "SELECT *, last_types[1] AS last_event_type FROM oracle_entities",
}
SAFETY = ("bronze_equals_oracle", "silver_equals_oracle", "gold_equals_oracle", "reconciled")


def write_lake(folder: Path, of: History, place: str = "") -> Lake:
    """What a right lake would have written."""
    for table, query in LAYERS.items():
        rows = written(of.query(query))
        days = ["event_date"] if "event_date" in rows.column_names else None
        write_deltalake(f"{folder}/{place}{table}", rows, partition_by=days)
    return Lake(root=str(folder))


def written(rows: pa.Table) -> pa.Table:
    """The oracle's rows with moments as the lake has them, and without its lists."""
    for name in rows.column_names:
        if name.endswith("_ms"):
            rows = rows.append_column(
                name.removesuffix("_ms"),
                rows[name].cast(pa.timestamp("ms", "UTC")).cast(pa.timestamp("us", "UTC")),
            )
        elif pa.types.is_list(rows.schema.field(name).type):
            rows = rows.drop_columns([name])
    return rows


def judged_day() -> History:
    of = batch_day()
    wrong("gold_equals_oracle", of)
    return of


def recorded(lake: Lake, history: Path) -> dict[str, list[dict[str, object]]]:
    record_batch_tables(lake, history, lambda text: None)
    return {
        name: pq.read_table(history / name).to_pylist() for name in LAKE_TABLES if (history / name).is_dir()
    }


def test_a_right_lake_is_read_back_as_the_oracle_would_have_it(tmp_path: Path) -> None:
    tables = recorded(write_lake(tmp_path / "lake", judged_day()), tmp_path / "history")
    of = batch_day(**tables)
    assert {name: wrong(name, of) for name in SAFETY} == dict.fromkeys(SAFETY, (0, ()))


def test_a_row_that_was_written_twice_is_seen(tmp_path: Path) -> None:
    lake = write_lake(tmp_path / "lake", judged_day())
    again = judged_day().query(f"{LAYERS['silver/events']} LIMIT 1")
    write_deltalake(f"{lake.root}/silver/events", written(again), mode="append")
    of = batch_day(**recorded(lake, tmp_path / "history"))
    assert wrong("silver_equals_oracle", of)[0] == 1


@pytest.mark.parametrize(
    ("column", "fault"),
    [
        ("category_name", "upper(category_name)"),
        ("category_name", "coalesce(category_name, 'none')"),
        ("reference_known", "coalesce(reference_known, false)"),
        ("reference_known", "NOT reference_known"),
        ("attributes", "NULL::MAP(VARCHAR, VARCHAR)"),
        ("attributes", "MAP {'a': '1', 'b': '3'}"),
        ("attributes", "MAP {'a': attributes['b'], 'b': attributes['a']}"),
    ],
)
def test_a_column_that_differs_in_silver_is_told(column: str, fault: str, tmp_path: Path) -> None:
    right, lake = judged_day(), Lake(root=str(tmp_path / "lake"))
    right.derive("right_silver", LAYERS["silver/events"])
    rows = written(right.query(f"SELECT * REPLACE ({fault} AS {column}) FROM right_silver"))  # noqa: S608
    write_lake(tmp_path / "lake", right)
    write_deltalake(f"{lake.root}/silver/events", rows, mode="overwrite", partition_by=["event_date"])
    assert wrong("silver_equals_oracle", batch_day(**recorded(lake, tmp_path / "history")))[0] > 0


def test_attributes_in_another_order_are_the_same(tmp_path: Path) -> None:
    right, lake = judged_day(), Lake(root=str(tmp_path / "lake"))
    write_lake(tmp_path / "lake", right)
    turned = "map_from_entries(list_reverse_sort(map_entries(attributes)))"
    right.derive("right_silver", LAYERS["silver/events"])
    rows = written(right.query(f"SELECT * REPLACE ({turned} AS attributes) FROM right_silver"))  # noqa: S608
    write_deltalake(f"{lake.root}/silver/events", rows, mode="overwrite", partition_by=["event_date"])
    assert wrong("silver_equals_oracle", batch_day(**recorded(lake, tmp_path / "history"))) == (0, ())


def test_what_lies_in_quarantine_is_told_apart(tmp_path: Path) -> None:
    lake = write_lake(tmp_path / "lake", judged_day(), "quarantine/")
    tables = recorded(lake, tmp_path / "history")
    assert {row["place"] for row in tables["lake_silver"]} == {"quarantine"}
    assert tables["lake_landing"] == []


def test_a_lake_without_tables_holds_nothing(tmp_path: Path) -> None:
    tables = recorded(Lake(root=str(tmp_path / "lake")), tmp_path / "history")
    assert len(tables) == 8
    assert not any(tables.values())


def test_a_table_without_a_column_is_refused(tmp_path: Path) -> None:
    write_deltalake(f"{tmp_path}/lake/silver/rejects", pa.table({"reason": ["not_json"]}))
    with pytest.raises(PlatformError, match=r"silver/rejects cannot be read.*event_date"):
        recorded(Lake(root=f"{tmp_path}/lake"), tmp_path / "history")


def test_what_cannot_be_read_is_told_on_one_line_without_colours() -> None:
    assert (
        message_of(OSError("Generic error\n  \x1b[31m↳\x1b[0m No such place"))
        == "Generic error ↳ No such place"
    )


def test_credentials_are_not_shown() -> None:
    lake = Lake(root="s3://lake", storage_options={"AWS_SECRET_ACCESS_KEY": "hush"})
    assert "hush" not in repr(lake)
