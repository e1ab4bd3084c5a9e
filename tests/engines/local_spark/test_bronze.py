"""Bronze in Spark: a day's records and partners' rows with their positions; and reference tables."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession

from pipeline.base.errors import FileRefused
from pipeline.contract.derive import reference_contract
from pipeline.days.landing.reference import load_reference, reference_table
from pipeline.days.layers.bronze import SCHEMA, LandingDay, bronze, landing_day
from pipeline.days.partners.partner_day import ROWS
from pipeline.days.tables.delta_log import newest_commits
from tests.only_writer import OnlyWriter

# pyspark leaves the socket of a collect() to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
DAY, OTHER = date(2013, 1, 1), date(2013, 1, 2)
NOON = datetime(2013, 1, 1, 12, tzinfo=UTC)
LANDED = (
    "topic STRING, partition INT, offset BIGINT, key BINARY, value BINARY, event_time TIMESTAMP,"
    " event_date DATE"
)
CATEGORIES = reference_contract("categories")


class Memory:
    """Snapshots as the object store has them."""

    def __init__(self, snapshots: Mapping[str, str]) -> None:
        self._objects = {
            f"landing/reference/categories/{name}": text.encode() for name, text in snapshots.items()
        }

    def get(self, key: str) -> bytes:
        return self._objects[key]

    def list(self, prefix: str) -> list[str]:
        return [key for key in self._objects if key.startswith(prefix)]

    def etag(self, key: str) -> str:
        return str(self._objects[key])


def land(spark: SparkSession, uri: str, *records: tuple[int, bytes, date]) -> None:
    rows = [("events", 1, offset, key, b"{", NOON, day) for offset, key, day in records]
    spark.createDataFrame(rows, LANDED).write.format("delta").mode("append").save(uri)


def partner_rows(*values: bytes) -> pa.Table:
    rows = [
        {
            "source_name": "a.csv",
            "source_position": number,
            "key": "EWR",
            "value": value,
            "event_time": NOON,
        }
        for number, value in enumerate(values)
    ]
    return pa.Table.from_pylist(rows, schema=ROWS)


def bronze_of(spark: SparkSession, uri: str, rows: pa.Table) -> DataFrame:
    return bronze(spark, landing_day(spark, uri, DAY), rows, DAY)


def test_rows_keep_their_source_and_position(spark: SparkSession, tmp_path: Path) -> None:
    uri = str(tmp_path)
    land(spark, uri, (7, b"EWR", DAY), (8, b"EWR", OTHER))
    rows = bronze_of(spark, uri, partner_rows(b"[]")).orderBy("source").collect()
    assert [tuple(row)[:-1] for row in rows] == [
        (DAY, "kafka", "events", 1, 7, "EWR", bytearray(b"{")),
        (DAY, "partner", "a.csv", None, 0, "EWR", bytearray(b"[]")),
    ]
    assert {row.event_time.timestamp() for row in rows} == {NOON.timestamp()}


def test_the_columns_are_the_same_whatever_there_is(spark: SparkSession, tmp_path: Path) -> None:
    land(spark, str(tmp_path / "t"), (7, b"EWR", DAY))
    expected = [(f.name, f.dataType) for f in spark.createDataFrame([], SCHEMA).schema]
    for uri in (str(tmp_path / "t"), str(tmp_path / "none")):
        for rows in (partner_rows(), partner_rows(b"{}")):
            found = bronze_of(spark, uri, rows).schema
            assert [(field.name, field.dataType) for field in found] == expected


def test_a_key_that_is_no_text_is_mended(spark: SparkSession, tmp_path: Path) -> None:
    land(spark, str(tmp_path), (0, b"\xffa", DAY))
    assert bronze_of(spark, str(tmp_path), partner_rows()).collect()[0].key == "\ufffda"


def test_what_lands_after_the_version_was_read_is_not_seen(spark: SparkSession, tmp_path: Path) -> None:
    uri = str(tmp_path)
    land(spark, uri, (7, b"EWR", DAY))
    seen = landing_day(spark, uri, DAY)
    land(spark, uri, (8, b"EWR", DAY))
    assert isinstance(seen, LandingDay)
    assert (seen.version, bronze(spark, seen, partner_rows(), DAY).count()) == (0, 1)


def rows_of(frame: DataFrame) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in frame.collect()]


def test_the_last_snapshot_replaces_a_reference_table(spark: SparkSession, tmp_path: Path) -> None:
    uri, header = str(tmp_path / "categories"), "category,name\n"
    assert load_reference(spark, Memory({}), uri, CATEGORIES, fence=OnlyWriter()) is None
    assert rows_of(reference_table(spark, uri, CATEGORIES)) == []
    first = {"2013-01-01.csv": f"{header}UA,United\nAA,American\n"}
    load_reference(spark, Memory(first), uri, CATEGORIES, fence=OnlyWriter())
    assert rows_of(reference_table(spark, uri, CATEGORIES)) == [("AA", "American"), ("UA", "United")]
    load_reference(
        spark,
        Memory({"2013-02-01.csv": f"{header}UA,United\n", **first}),
        uri,
        CATEGORIES,
        fence=OnlyWriter(),
    )
    assert rows_of(reference_table(spark, uri, CATEGORIES)) == [("UA", "United")]


def test_the_same_snapshot_is_not_written_again(spark: SparkSession, tmp_path: Path) -> None:
    snapshots = Memory({"a.csv": "category,name\nUA,United\n"})
    for _ in range(2):
        load_reference(spark, snapshots, str(tmp_path), CATEGORIES, fence=OnlyWriter())
    assert [commit.version for commit in newest_commits(spark, str(tmp_path), limit=9)] == [0]


def test_a_broken_snapshot_leaves_the_table_as_it_was(spark: SparkSession, tmp_path: Path) -> None:
    first = {"a.csv": "category,name\nUA,United\n"}
    load_reference(spark, Memory(first), str(tmp_path), CATEGORIES, fence=OnlyWriter())
    with pytest.raises(FileRefused, match=r"b\.csv: row 0: name: it is empty"):
        load_reference(
            spark,
            Memory({**first, "b.csv": "category,name\nAA,\n"}),
            str(tmp_path),
            CATEGORIES,
            fence=OnlyWriter(),
        )
    assert rows_of(reference_table(spark, str(tmp_path), CATEGORIES)) == [("UA", "United")]
