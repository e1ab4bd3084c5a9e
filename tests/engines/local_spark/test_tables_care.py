"""Publishing and table care on real Delta tables, each shown by what lies in the files."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from pathlib import Path

import duckdb
import pytest
from pyspark.sql import DataFrame, SparkSession

from pipeline.base.errors import EngineError, LeaseLost
from pipeline.days.table_care import cluster, compact, vacuum
from pipeline.days.tables.publish import publish
from tests.only_writer import OnlyWriter

# Py4J closes its connections when they are collected.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
FIRST, SECOND = date(2026, 1, 5), date(2026, 1, 6)
RETENTION = "spark.databricks.delta.properties.defaults.deletedFileRetentionDuration"
"""Of tables that are made while it is set."""
PARTITIONS = ("event_date", "event_type")


def some(spark: SparkSession, day: date, count: int, more: str = "") -> DataFrame:
    """Events of a day, of two types, in tasks of which each has both."""
    return spark.range(0, count, 1, 4).selectExpr(
        f"DATE'{day}' AS event_date", "if(id % 4 < 2, 'seen', 'gone') AS event_type",
        "concat('id-', id) AS event_id", "concat('e', id * 7919 % 100) AS entity_id", 
        *([more] if more else []),
    )  # fmt: skip


def read(spark: SparkSession, uri: str) -> DataFrame:
    return spark.read.format("delta").load(uri)


def files(spark: SparkSession, uri: str) -> list[str]:
    """Those of the newest version."""
    return sorted(name.removeprefix("file:") for name in read(spark, uri).inputFiles())


def by_day(spark: SparkSession, uri: str) -> Counter[date]:
    return Counter(row.event_date for row in read(spark, uri).collect())


def test_a_day_is_replaced_and_the_others_stay(spark: SparkSession, tmp_path: Path) -> None:
    uri = str(tmp_path / "t")
    publish(some(spark, FIRST, 8), uri, FIRST, PARTITIONS, fence=OnlyWriter())
    publish(some(spark, SECOND, 4), uri, SECOND, PARTITIONS, fence=OnlyWriter())
    done = publish(some(spark, FIRST, 6), uri, FIRST, PARTITIONS, fence=OnlyWriter())
    assert by_day(spark, uri) == {FIRST: 6, SECOND: 4}
    assert (done.version, done.rows, done.files) == (2, 6, 2)
    assert done.bytes == sum(Path(f).stat().st_size for f in files(spark, uri) if f"={FIRST}/" in f)


def test_a_day_without_rows_is_published_as_one(spark: SparkSession, tmp_path: Path) -> None:
    uri = str(tmp_path / "t")
    days = [(FIRST, 0), (FIRST, 8), (SECOND, 0), (FIRST, 0)]
    done = [publish(some(spark, day, count), uri, day, PARTITIONS, fence=OnlyWriter()) for day, count in days]
    assert [published.rows for published in done] == [0, 8, 0, 0]
    assert not by_day(spark, uri)


def test_a_table_is_read_by_the_session_that_made_its_checkpoint(spark: SparkSession, tmp_path: Path) -> None:
    """By default a table's eleventh commit makes one."""
    uri, interval = str(tmp_path / "t"), "spark.databricks.delta.properties.defaults.checkpointInterval"
    spark.conf.set(interval, "1")
    try:
        done = [
            publish(some(spark, day, 4), uri, day, PARTITIONS, fence=OnlyWriter())
            for day in (FIRST, SECOND, FIRST)
        ]
    finally:
        spark.conf.unset(interval)
    assert list(Path(uri, "_delta_log").glob("*.checkpoint*.parquet"))
    assert (done[-1].version, by_day(spark, uri)) == (2, {FIRST: 4, SECOND: 4})


def test_a_row_of_another_day_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    uri = str(tmp_path / "t")
    publish(some(spark, FIRST, 1), uri, FIRST, PARTITIONS, fence=OnlyWriter())
    with pytest.raises(EngineError):
        publish(some(spark, SECOND, 1), uri, FIRST, PARTITIONS, fence=OnlyWriter())


def test_without_a_day_the_whole_table_is_replaced(spark: SparkSession, tmp_path: Path) -> None:
    uri = str(tmp_path / "t")
    publish(some(spark, FIRST, 8), uri, None, (), fence=OnlyWriter())
    publish(some(spark, SECOND, 4), uri, None, (), fence=OnlyWriter())
    assert by_day(spark, uri) == {SECOND: 4}


def test_a_new_column_is_added_to_the_table(spark: SparkSession, tmp_path: Path) -> None:
    uri = str(tmp_path / "t")
    publish(some(spark, FIRST, 1), uri, FIRST, PARTITIONS, fence=OnlyWriter())
    publish(some(spark, SECOND, 1, "'A7' AS gate"), uri, SECOND, PARTITIONS, fence=OnlyWriter())
    assert {(r.event_date, r.gate) for r in read(spark, uri).collect()} == {(FIRST, None), (SECOND, "A7")}


def test_a_bloom_filter_knows_where_an_id_is_not(spark: SparkSession, tmp_path: Path) -> None:
    uri = str(tmp_path / "t")
    publish(some(spark, FIRST, 1000), uri, FIRST, PARTITIONS, looked_up=["event_id"], fence=OnlyWriter())
    for file in files(spark, uri):
        held = duckdb.read_parquet(file).fetchall()[0][0]
        probes = [excluded(file, "event_id", name) for name in (held, "id-x", "nothing")]
        assert probes == [False, True, True]
    compact_again(spark, uri)
    assert all(excluded(file, "event_id", "nothing") for file in files(spark, uri))
    assert spark.conf.get("parquet.bloom.filter.enabled#event_id", None) is None


def excluded(file: str, column: str, value: str) -> bool:
    """Whether a file's Bloom filters say that the value is not there. No without any."""
    rows = duckdb.execute(
        "SELECT bloom_filter_excludes FROM parquet_bloom_probe(?, ?, ?)", [file, column, value]
    ).fetchall()
    return all(row[0] for row in rows)


def compact_again(spark: SparkSession, uri: str) -> None:
    some(spark, FIRST, 40).write.format("delta").mode("append").save(uri)
    assert compact(spark, uri, looked_up=["event_id"]).files_removed > 0


def test_compaction_joins_small_files_of_the_days_asked_for(spark: SparkSession, tmp_path: Path) -> None:
    uri = str(tmp_path / "t")
    for day in (FIRST, SECOND):
        some(spark, day, 40).write.format("delta").mode("append").partitionBy(*PARTITIONS).save(uri)
    assert len(files(spark, uri)) == 16
    done = compact(spark, uri, since=SECOND)
    assert (done.files_removed, done.files_added) == (8, 2)
    assert len(files(spark, uri)) == 10
    assert by_day(spark, uri) == {FIRST: 40, SECOND: 40}


def test_clustering_makes_files_disjoint(spark: SparkSession, tmp_path: Path) -> None:
    uri = str(tmp_path / "t")
    publish(some(spark, FIRST, 4000), uri, FIRST, PARTITIONS, fence=OnlyWriter())
    spark.conf.set("spark.databricks.delta.optimize.maxFileSize", "10000")
    try:
        cluster(spark, uri, ["entity_id"])
    finally:
        spark.conf.unset("spark.databricks.delta.optimize.maxFileSize")
    with_one = [f for f in files(spark, uri) if duckdb.read_parquet(f).filter("entity_id = 'e50'").fetchall()]
    assert len(with_one) <= len(files(spark, uri)) / 2


def test_vacuum_deletes_what_no_kept_version_needs(spark: SparkSession, tmp_path: Path) -> None:
    week, none = str(tmp_path / "week"), str(tmp_path / "none")
    replaced(spark, week)
    spark.conf.set(RETENTION, "interval 0 hours")
    try:
        replaced(spark, none)
    finally:
        spark.conf.unset(RETENTION)
    for uri in (week, none):
        vacuum(spark, uri)
    assert len(stored(week)) == 4
    assert stored(none) == files(spark, none)


def replaced(spark: SparkSession, uri: str) -> None:
    """A table of two files that count, and of two of an older version."""
    for _ in range(2):
        publish(some(spark, FIRST, 8), uri, FIRST, PARTITIONS, fence=OnlyWriter())


def stored(uri: str) -> list[str]:
    return sorted(map(str, Path(uri).rglob("*.parquet")))


def test_statistics_are_kept_of_the_columns_that_are_filtered(spark: SparkSession, tmp_path: Path) -> None:
    uri = str(tmp_path / "t")
    publish(some(spark, FIRST, 8), uri, FIRST, PARTITIONS, filtered=["entity_id"], fence=OnlyWriter())
    assert minima(uri, 0) == {"entity_id"}
    publish(some(spark, SECOND, 8), uri, SECOND, PARTITIONS, fence=OnlyWriter())
    assert minima(uri, 1) == {"entity_id"}


def minima(uri: str, version: int) -> set[str]:
    """The columns whose minima a version's log has."""
    log = Path(uri, "_delta_log", f"{version:020d}.json").read_text().splitlines()
    added = [json.loads(line)["add"] for line in log if line.startswith('{"add"')]
    return {name for add in added for name in json.loads(add["stats"])["minValues"]}


class Overtaken:
    """A writer that stood still behind its last look at its lease, while another one took it over."""

    def __init__(self) -> None:
        self._token = OnlyWriter().fencing_token()

    def require(self) -> None:
        raise LeaseLost("taken over")

    def fencing_token(self) -> int:
        return self._token


@pytest.mark.parametrize("count", [0, 6])
def test_a_writer_that_was_overtaken_commits_nothing_and_says_so(
    spark: SparkSession, tmp_path: Path, count: int
) -> None:
    uri, stood_still = str(tmp_path / "t"), Overtaken()
    publish(some(spark, FIRST, 8), uri, FIRST, PARTITIONS, fence=OnlyWriter())
    with pytest.raises(LeaseLost):
        publish(some(spark, FIRST, count), uri, FIRST, PARTITIONS, fence=stood_still)
    assert by_day(spark, uri) == {FIRST: 8}
    publish(some(spark, FIRST, 5), uri, FIRST, PARTITIONS, fence=OnlyWriter())
    assert by_day(spark, uri) == {FIRST: 5}
