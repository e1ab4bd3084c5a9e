"""Bronze: a day's events as received from Kafka and from partners, each with its position.

Nothing is judged or left out, so Silver can always be recomputed from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from pipeline.days.tables.delta_log import newest_commits

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

SCHEMA: Final = (
    "event_date DATE, source STRING, source_name STRING, source_partition INT, source_position BIGINT,"
    " key STRING, value BINARY, event_time TIMESTAMP"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LandingDay:
    """One day's records in the landing table."""

    rows: DataFrame
    version: int
    """The landing table's version, which later records of the day exceed."""


def landing_day(spark: SparkSession, uri: str, day: date) -> LandingDay | None:
    """Return the day's records in the landing table; None without a table. Raises TableUnreadable."""
    from pyspark.sql import functions as F  # noqa: PLC0415

    newest = newest_commits(spark, uri, limit=1)
    if not newest:
        return None
    version = newest[0].version
    # Pin the version: what is read is what is recorded, whatever lands meanwhile.
    table = spark.read.format("delta").option("versionAsOf", version).load(uri)
    return LandingDay(rows=table.where(F.col("event_date") == F.lit(day)), version=version)


def bronze(spark: SparkSession, landing: LandingDay | None, partner_rows: pa.Table, day: date) -> DataFrame:
    """Return the day's rows with ``SCHEMA``. ``partner_rows`` has the ``ROWS`` of partners/partner_day.py."""
    parts = [] if landing is None else [_from_kafka(landing.rows)]
    if partner_rows.num_rows or not parts:
        parts.append(_from_partners(spark, partner_rows, day))
    return parts[0] if len(parts) == 1 else parts[0].unionByName(parts[1])


def _from_kafka(rows: DataFrame) -> DataFrame:
    from pyspark.sql import functions as F  # noqa: PLC0415

    return rows.select(
        "event_date",
        F.lit("kafka").alias("source"),
        F.col("topic").alias("source_name"),
        F.col("partition").alias("source_partition"),
        F.col("offset").alias("source_position"),
        # Parquet readers only accept text that is valid UTF-8.
        F.make_valid_utf8(F.col("key").cast("string")).alias("key"),
        "value",
        "event_time",
    )


def _from_partners(spark: SparkSession, rows: pa.Table, day: date) -> DataFrame:
    from pyspark.sql import functions as F  # noqa: PLC0415

    return spark.createDataFrame(rows).select(
        F.lit(day).alias("event_date"),
        F.lit("partner").alias("source"),
        "source_name",
        F.lit(None).cast("int").alias("source_partition"),
        "source_position",
        "key",
        "value",
        "event_time",
    )
