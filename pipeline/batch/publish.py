"""Publishing: a day's rows replace those that a table has of it, in one commit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from pyspark.sql import DataFrame, SparkSession

from pipeline.batch.table_commits import newest_commits
from pipeline.batch.table_log import log_versions
from pipeline.batch.tables import DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What one commit put into a table."""

    version: int
    rows: int
    files: int
    bytes: int


def publish(
    rows: DataFrame,
    table_uri: str,
    day: date | None,
    partition_columns: Sequence[str],
    *,
    filtered: Sequence[str] = (),
    looked_up: Sequence[str] = (),
) -> Published:
    """Replace a day of the table, or all of it without a day. Columns that the table lacks are added to it.

    Each partition gets one file, or several when it is large. ``filtered`` columns have minima and maxima by
    file, by which queries skip files; without any, Delta's own choice, the first 32 columns, stands. Both it
    and the partitions are fixed when the table is made. ``looked_up`` columns have nearly as many values as
    rows and are asked for by single values, of which Bloom filters know where they are not.
    """
    writer = (
        rows.write.format("delta")
        .mode("overwrite")
        .partitionBy(*partition_columns)
        # Shuffles rows to their partition's writer, or each task would write a file of each partition.
        .option("optimizeWrite", "true")
        .option("mergeSchema", "true")
    )
    if day is not None:
        writer = writer.option("replaceWhere", f"{DAY} = '{day}'")
    if filtered:
        writer = writer.option("delta.dataSkippingStatsColumns", ",".join(filtered))
    before = log_versions(rows.sparkSession, table_uri)[:1]
    with bloom_filters(rows.sparkSession, looked_up):
        writer.save(table_uri)
    return _newest(rows.sparkSession, table_uri, before)


@contextmanager
def bloom_filters(spark: SparkSession, columns: Sequence[str]) -> Iterator[None]:
    """Files that are written in this block have Bloom filters of these columns, as large as they need.

    By settings of the session, as Delta takes no options for it:
    what other threads write meanwhile has them, too.
    """
    settings = {"parquet.bloom.filter.adaptive.enabled": "true"} if columns else {}
    for column in columns:
        settings[f"parquet.bloom.filter.enabled#{column}"] = "true"
        # A dictionary of values that hardly repeat saves nothing, and a column with one gets no filter.
        settings[f"parquet.enable.dictionary#{column}"] = "false"
    for name, value in settings.items():
        spark.conf.set(name, value)
    try:
        yield
    finally:
        for name in settings:
            spark.conf.unset(name)


def _newest(spark: SparkSession, table_uri: str, before: Sequence[int]) -> Published:
    """The last commit, which is the caller's own: a table has one writer at a time.

    Delta makes none where no rows replace none, and counts no rows of one that has none.
    """
    (commit,) = newest_commits(spark, table_uri, limit=1)
    if (commit.version,) == tuple(before):
        return Published(version=commit.version, rows=0, files=0, bytes=0)
    return Published(
        version=commit.version,
        rows=int(commit.metrics.get("numOutputRows", 0)),
        files=int(commit.metrics["numFiles"]),
        bytes=int(commit.metrics["numOutputBytes"]),
    )
