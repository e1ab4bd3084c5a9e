"""Gold: what serving asks for, computed from a day of Silver."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipeline.days.exact_sum import exact_sum


def daily(events: DataFrame) -> DataFrame:
    """``event_date``, ``category``, ``event_type`` and the measures."""
    return events.groupBy("event_date", "category", "event_type").agg(*_measures())


def hourly(events: DataFrame) -> DataFrame:
    """``event_date``, ``hour`` (its first moment), ``category``, ``event_type`` and the measures."""
    hour = F.date_trunc("hour", "event_time").alias("hour")
    return events.groupBy("event_date", hour, "category", "event_type").agg(*_measures())


def entity_days(events: DataFrame) -> DataFrame:
    """What each entity did on the day. Of last events of one moment, the one with the greatest id counts."""
    last = F.max_by(F.struct("event_type", "value"), F.struct("event_time", "event_id"))
    return (
        events.groupBy("event_date", "entity_id")
        .agg(*_lifespan(F.count("*"), "event_time", "event_time"), last.alias("last"))
        .withColumns({"last_event_type": F.col("last.event_type"), "last_value": F.col("last.value")})
        .drop("last")
    )


def entities(days: DataFrame) -> DataFrame:
    """What each entity did on all its days, from ``entity_days``."""
    last = F.max_by("last_event_type", "last_event_time")
    return days.groupBy("entity_id").agg(
        *_lifespan(F.sum("events"), "first_event_time", "last_event_time"), last.alias("last_event_type")
    )


def _measures() -> tuple[Column, ...]:
    return (
        F.count("*").alias("events"),
        F.count("value").alias("measured"),
        exact_sum(F.col("value")).alias("value_sum"),
        F.min("value").alias("value_min"),
        F.max("value").alias("value_max"),
        # Null when it is too great for its type: quantities are not negative, so no order decides that.
        F.try_sum("quantity").alias("quantity_sum"),
    )


def _lifespan(events: Column, first: str, last: str) -> tuple[Column, ...]:
    return (
        events.alias("events"),
        F.min(first).alias("first_event_time"),
        F.max(last).alias("last_event_time"),
    )
