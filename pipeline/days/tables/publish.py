"""Publishes a day: its rows replace the table's rows for that day in one commit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from pyspark.sql import DataFrame, SparkSession

from pipeline.days.tables.delta_tables import DAY
from pipeline.days.tables.fencing import Fence, save


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What one commit wrote to a table."""

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
    fence: Fence,
    filtered: Sequence[str] = (),
    looked_up: Sequence[str] = (),
) -> Published:
    """Replace a day of the table, or all of it without a day. Columns that the table lacks are added.

    Each partition gets one file, or several if it is large. ``filtered`` columns get minima and maxima per
    file, so that queries can skip files; by default Delta chooses the first 32 columns. These columns and the
    partitions are fixed when the table is created. ``looked_up`` columns have nearly as many values as rows
    and are queried by single values; their files get Bloom filters.

    Raises LeaseLost if the fence's holder is no longer the table's writer (nothing was written then),
    CommitConflict, TableUnreadable, and EngineError for other errors of Spark.
    """
    writer = (
        rows.write.format("delta")
        .mode("overwrite")
        .partitionBy(*partition_columns)
        # Shuffles rows to one writer per partition; otherwise each task would write a file to each partition.
        .option("optimizeWrite", "true")
        .option("mergeSchema", "true")
    )
    if day is not None:
        writer = writer.option("replaceWhere", f"{DAY} = '{day}'")
    if filtered:
        writer = writer.option("delta.dataSkippingStatsColumns", ",".join(filtered))
    spark = rows.sparkSession
    with bloom_filters(spark, looked_up):
        commit = save(writer, spark, table_uri, fence)
    return Published(
        version=commit.version,
        # Delta omits the metrics of a commit without rows.
        rows=int(commit.metrics.get("numOutputRows", 0)),
        files=int(commit.metrics.get("numFiles", 0)),
        bytes=int(commit.metrics.get("numOutputBytes", 0)),
    )


@contextmanager
def bloom_filters(spark: SparkSession, columns: Sequence[str]) -> Iterator[None]:
    """Give files that are written in this block Bloom filters for these columns, as large as needed.

    Delta has no options for this, so it changes the session's settings: files that other threads write
    meanwhile get filters as well.
    """
    settings = {"parquet.bloom.filter.adaptive.enabled": "true"} if columns else {}
    for column in columns:
        settings[f"parquet.bloom.filter.enabled#{column}"] = "true"
        # A dictionary of nearly unique values saves nothing, and a column with one gets no filter.
        settings[f"parquet.enable.dictionary#{column}"] = "false"
    for name, value in settings.items():
        spark.conf.set(name, value)
    try:
        yield
    finally:
        for name in settings:
            spark.conf.unset(name)
