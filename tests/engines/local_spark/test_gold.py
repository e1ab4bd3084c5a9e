"""Gold on a real session: the aggregates, and sums that no order changes."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession

from pipeline.days.layers.exact_sum import exact_sum
from pipeline.days.layers.gold import daily, entities, entity_days, hourly

# Py4J closes its connections when they are collected.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
DAY = date(2026, 1, 5)
MIDNIGHT = datetime(2026, 1, 5, tzinfo=UTC)
COLUMNS = (
    "event_date DATE, event_id STRING, event_type STRING, entity_id STRING, category STRING, value DOUBLE,"
    " quantity BIGINT, event_time TIMESTAMP"
)
numbers = st.floats(2.0**-38, 2.0**59) | st.floats(-1e6, 1e6).map(lambda x: round(x, 3)) | st.just(0.0)


@pytest.fixture(scope="module")
def events(spark: SparkSession) -> DataFrame:
    """Four events of one entity: three of one hour, the last two of one moment."""
    return spark.createDataFrame(
        [
            (DAY, "a", "seen", "e", "c", 0.1, 2, MIDNIGHT),
            (DAY, "b", "seen", "e", "c", 0.2, None, MIDNIGHT + timedelta(minutes=59)),
            (DAY, "d", "gone", "e", "c", None, 7, MIDNIGHT + timedelta(hours=1)),
            (DAY, "c", "seen", "e", "c", -0.5, 2**63 - 1, MIDNIGHT + timedelta(hours=1)),
        ],
        COLUMNS,
    )


def rows(frame: DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    return sorted(tuple(row) for row in frame.select(*columns).collect())


def test_a_day_by_category_and_type(events: DataFrame) -> None:
    keys = ("event_date", "category", "event_type")
    measures = ("events", "measured", "value_sum", "value_min", "value_max")
    assert rows(daily(events), *keys, *measures) == [
        (DAY, "c", "gone", 1, 0, None, None, None),
        (DAY, "c", "seen", 3, 3, pytest.approx(-0.2, abs=1e-15), -0.5, 0.2),
    ]


def test_an_hour_is_known_by_its_first_moment(events: DataFrame) -> None:
    found = hourly(events).selectExpr("hour(hour) h", "minute(hour) m", "event_type", "events")
    assert rows(found, "*") == [(0, 0, "seen", 2), (1, 0, "gone", 1), (1, 0, "seen", 1)]


def test_a_sum_of_quantities_that_no_bigint_holds_is_null(events: DataFrame) -> None:
    assert rows(daily(events), "event_type", "quantity_sum") == [("gone", 7), ("seen", None)]


def test_of_last_events_of_one_moment_the_greatest_id_counts(events: DataFrame) -> None:
    found = entity_days(events).selectExpr(
        "event_date", "entity_id", "events", "hour(first_event_time)", "hour(last_event_time)",
        "last_event_type", "last_value",
    )  # fmt: skip
    assert rows(found, "*") == [(DAY, "e", 4, 0, 1, "gone", None)]


def test_an_entity_is_what_its_days_add_up_to(spark: SparkSession) -> None:
    late = MIDNIGHT + timedelta(days=1)
    days = spark.createDataFrame(
        [("e", 2, MIDNIGHT, MIDNIGHT, "a"), ("e", 3, late, late, "b"), ("f", 1, late, late, "c")],
        "entity_id STRING, events BIGINT, first_event_time TIMESTAMP, last_event_time TIMESTAMP,"
        " last_event_type STRING",
    )
    found = entities(days).selectExpr(
        "entity_id", "events", "day(first_event_time)", "day(last_event_time)", "last_event_type"
    )
    assert rows(found, "*") == [("e", 5, 5, 6, "b"), ("f", 1, 6, 6, "c")]


def summed(spark: SparkSession, groups: Sequence[Sequence[float | None]], *, parts: int = 1) -> list[Any]:
    values = [(i, value) for i, group in enumerate(groups) for value in group]
    frame = spark.createDataFrame(values, "i INT, value DOUBLE").repartition(parts)
    return [row[1] for row in sorted(frame.groupBy("i").agg(exact_sum(frame.value)).collect())]


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.lists(numbers, min_size=1, max_size=20), min_size=1, max_size=40), st.randoms())
def test_a_sum_is_the_same_in_every_order_and_near_the_true_one(
    spark: SparkSession, groups: list[list[float]], order: random.Random
) -> None:
    shuffled = [order.sample(group, len(group)) for group in groups]
    found = summed(spark, groups)
    assert found == summed(spark, shuffled, parts=3)
    for total, group in zip(found, groups, strict=True):
        assert abs(total - math.fsum(group)) <= 2.0**-50 * math.fsum(map(abs, group))


def test_what_does_not_fit_is_added_as_doubles_are(spark: SparkSession) -> None:
    groups: list[list[float | None]] = [[1e300, 1.0], [2.0**-50, 2.0**-50], [None]]
    assert summed(spark, groups) == [1e300, 2.0**-49, None]


def test_no_order_of_the_largest_doubles_makes_a_sum_infinite_or_no_number(spark: SparkSession) -> None:
    groups: list[list[float | None]] = [
        [1e308, 1e308, -1e308, -1e308],
        [-1e308, 1e308, 1e308, -1e308, 5.0],
        [1e308, 1e308],
        [-1e308, -1e308, 1.0],
    ]
    for parts in (1, 3):
        total, five, above, below = summed(spark, groups, parts=parts)
        assert (total, above, below) == (0.0, math.inf, -math.inf)
        assert abs(five) <= 2.0**-50 * 4e308
