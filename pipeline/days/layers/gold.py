"""Gold: the aggregates that serving needs, computed from a day of Silver."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipeline.days.layers.exact_sum import exact_sum


def daily(events: DataFrame) -> DataFrame:
    """Aggregate by ``event_date``, ``category`` and ``event_type``."""
    return events.groupBy("event_date", "category", "event_type").agg(*_measures())


def hourly(events: DataFrame) -> DataFrame:
    """Aggregate by ``event_date``, ``hour`` (its start), ``category`` and ``event_type``."""
    hour = F.date_trunc("hour", "event_time").alias("hour")
    return events.groupBy("event_date", hour, "category", "event_type").agg(*_measures())


def entity_days(events: DataFrame) -> DataFrame:
    """Summarize each entity's day. Among last events of one moment, the greatest id counts."""
    last = F.max_by(F.struct("event_type", "value"), F.struct("event_time", "event_id"))
    return (
        events.groupBy("event_date", "entity_id")
        .agg(*_lifespan(F.count("*"), "event_time", "event_time"), last.alias("last"))
        .withColumns({"last_event_type": F.col("last.event_type"), "last_value": F.col("last.value")})
        .drop("last")
    )


def entities(days: DataFrame) -> DataFrame:
    """Summarize each entity over all its days, from ``entity_days``."""
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
        # Null on overflow. Quantities are never negative, so this does not depend on the order.
        F.try_sum("quantity").alias("quantity_sum"),
    )


def _lifespan(events: Column, first: str, last: str) -> tuple[Column, ...]:
    return (
        events.alias("events"),
        F.min(first).alias("first_event_time"),
        F.max(last).alias("last_event_time"),
    )
