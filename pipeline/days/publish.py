"""Publishing: a day's rows replace those that a table has of it, in one commit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from pyspark.sql import DataFrame, SparkSession

from pipeline.days.fencing import Fence, save
from pipeline.days.tables import DAY


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
    fence: Fence,
    filtered: Sequence[str] = (),
    looked_up: Sequence[str] = (),
) -> Published:
    """Replace a day of the table, or all of it without a day. Columns that the table lacks are added to it.

    Each partition gets one file, or several when it is large. ``filtered`` columns have minima and maxima by
    file, by which queries skip files; without any, Delta's own choice, the first 32 columns, stands. Both it
    and the partitions are fixed when the table is made. ``looked_up`` columns have nearly as many values as
    rows and are asked for by single values, of which Bloom filters know where they are not.

    Raises LeaseLost, when the fence's holder is not the table's writer any more and nothing was written,
    CommitConflict, TableUnreadable, and EngineError for what Spark says.
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
    spark = rows.sparkSession
    with bloom_filters(spark, looked_up):
        commit = save(writer, spark, table_uri, fence)
    return Published(
        version=commit.version,
        # Of a commit without rows Delta counts none.
        rows=int(commit.metrics.get("numOutputRows", 0)),
        files=int(commit.metrics.get("numFiles", 0)),
        bytes=int(commit.metrics.get("numOutputBytes", 0)),
    )


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
