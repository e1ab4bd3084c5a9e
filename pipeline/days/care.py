"""Care of the lake's tables, which changes how their rows lie in files and never the rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from pyspark.sql import SparkSession

from pipeline.days.publish import bloom_filters
from pipeline.days.tables import DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewritten:
    """What became of a table's files."""

    files_removed: int
    files_added: int


def compact(
    spark: SparkSession, table_uri: str, *, since: date | None = None, looked_up: Sequence[str] = ()
) -> Rewritten:
    """Join small files: each costs a request and a footer, whatever it holds. Large ones are left alone.

    ``since``: only days from this one on. ``looked_up``: as ``publish`` has it; a file that is written anew
    without it loses its Bloom filters.
    """
    return _optimize(spark, table_uri, since, "", looked_up)


def cluster(
    spark: SparkSession,
    table_uri: str,
    by: Sequence[str],
    *,
    since: date | None = None,
    looked_up: Sequence[str] = (),
) -> Rewritten:
    """Put rows that are alike in these columns into the same files, so that filters skip the others.

    By Z-order: Delta's liquid clustering takes no table that is partitioned, and partitions are what makes a
    day replaceable and prunable. Z-order writes every file of the days anew, so it is for days that change no
    more.
    """
    return _optimize(spark, table_uri, since, f" ZORDER BY ({', '.join(map(_quoted, by))})", looked_up)


def vacuum(spark: SparkSession, table_uri: str) -> None:
    """Delete files that no version of the last week refers to.

    Delta keeps them so long unless the table's property ``delta.deletedFileRetentionDuration`` says else, as
    a reader or writer that takes longer would lose its files.
    """
    spark.sql(f"VACUUM delta.`{table_uri}`")


def _optimize(
    spark: SparkSession, table_uri: str, since: date | None, order: str, looked_up: Sequence[str]
) -> Rewritten:
    days = f" WHERE {DAY} >= '{since}'" if since else ""
    with bloom_filters(spark, looked_up):
        done = spark.sql(f"OPTIMIZE delta.`{table_uri}`{days}{order}").collect()[0].metrics
    return Rewritten(files_removed=done.numFilesRemoved, files_added=done.numFilesAdded)


def _quoted(column: str) -> str:
    return "`" + column.replace("`", "``") + "`"
