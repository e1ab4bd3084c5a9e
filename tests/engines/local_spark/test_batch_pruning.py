"""What a query for a part of a table does not read, of 90 days with two types each."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from pyspark.sql import DataFrame, SparkSession

from pipeline.days.scan import scan
from pipeline.days.tables.delta_tables import SILVER_EVENTS
from pipeline.days.tables.publish import publish
from tests.only_writer import OnlyWriter

# Py4J closes its connections when they are collected.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
FIRST, DAYS, EVENTS_A_DAY = date(2026, 3, 1), 90, 200
ONE_DAY_AND_TYPE = f"event_date = DATE '{FIRST + timedelta(days=7)}' AND event_type = 'seen'"


@pytest.fixture(scope="module")
def silver(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> DataFrame:
    """Identities of a day begin alike, as a producer's that counts; those of the first day do not."""
    uri = str(tmp_path_factory.mktemp("lake") / "silver")
    rows = spark.range(0, DAYS * EVENTS_A_DAY, 1, 2).selectExpr(
        f"date_add(DATE '{FIRST}', CAST(id DIV {EVENTS_A_DAY} AS INT)) AS event_date",
        "if(id % 2 = 0, 'seen', 'gone') AS event_type",
        f"if(id < {EVENTS_A_DAY}, md5(CAST(id AS STRING)), printf('x%08d', id)) AS event_id",
        "id AS quantity",
    )
    publish(rows, uri, None, SILVER_EVENTS.partition_columns, looked_up=["event_id"], fence=OnlyWriter())
    return spark.read.format("delta").load(uri)


def test_of_90_days_a_query_of_one_day_and_type_does_not_read_95_percent(silver: DataFrame) -> None:
    every, part = scan(silver), scan(silver.where(ONE_DAY_AND_TYPE))
    assert (every.files, part.files) == (2 * DAYS, 1)
    assert part.bytes <= 0.05 * every.bytes
    assert (every.rows, part.rows) == (DAYS * EVENTS_A_DAY, EVENTS_A_DAY / 2)


def test_a_files_least_and_greatest_values_spare_opening_it(silver: DataFrame) -> None:
    one = EVENTS_A_DAY * 5
    assert scan(silver.where(f"quantity = {one}")).files == 1
    assert scan(silver.where(f"event_id = 'x{one:08d}'")).files == 1


def test_bloom_filters_spare_reading_a_file_that_statistics_do_not(silver: DataFrame) -> None:
    """An id that lies between the first day's least and greatest, and is none of them."""
    first_day = silver.where(f"event_date = DATE '{FIRST}'")
    sought = scan(first_day.where("event_id = '8888'"))
    assert (sought.files, sought.rows) == (2, 0)
    there = scan(first_day.where("event_id = md5('4')"))
    assert there.rows == EVENTS_A_DAY / 2


def test_a_query_that_is_not_of_files_alone_is_refused(silver: DataFrame) -> None:
    with pytest.raises(ValueError, match="not a query of one table's files"):
        scan(silver.groupBy("event_type").count())
