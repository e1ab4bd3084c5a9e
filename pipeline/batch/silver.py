"""Silver: a day's Bronze rows typed by the contract, one an event identity, with what they refer to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from pyspark import StorageLevel
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from pipeline.batch.judge import judge_of
from pipeline.contract.derive import spark_columns
from pipeline.contract.odcs import DataContract

DUPLICATE: Final = "duplicate_identity"
"""Why a second copy of an identity is rejected."""

_SOURCE: Final = ("source", "source_name", "source_partition", "source_position")
_REJECTED: Final = ("event_date", "reason", *_SOURCE, "key", "value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Silver:
    """A day's Bronze rows: each is in one of the two, once.

    Both are read from rows that are judged once, and kept on the disks of the
    session until neither is referred to.
    """

    accepted: DataFrame
    """``event_date``, the contract's fields, ``category_name``, ``reference_known``, the source's place."""
    rejects: DataFrame
    """``event_date``, ``reason``, the source's place, ``key`` and ``value``."""


def silver(
    bronze: DataFrame,
    categories: DataFrame,
    assets: DataFrame,
    contract: DataContract,
    *,
    duplicates: Literal["drop", "keep"] = "drop",
) -> Silver:
    """Judge the Bronze rows of one day. Equal rows give equal rows, in whatever order they come."""
    judge = judge_of(bronze.sparkSession, contract)
    # The event stays a struct: its fields may be called as Bronze's columns are.
    judged = bronze.withColumn("judged", judge(F.col("value"))).select(
        *bronze.columns, F.col("judged.reason").alias("reason"), F.col("judged.event").alias("event")
    )
    if duplicates == "drop":
        judged = _second_copies_rejected(judged)
    # Rows as they are: Spark's cache would turn them into columns, which takes longer than to judge them.
    judged = judged.localCheckpoint(eager=False, storageLevel=StorageLevel.DISK_ONLY)
    return Silver(
        accepted=_conformed(judged.where("reason IS NULL"), categories, assets, contract),
        rejects=judged.where("reason IS NOT NULL").select(*_REJECTED),
    )


def _second_copies_rejected(judged: DataFrame) -> DataFrame:
    """Of the rows of one identity that keep the contract, the first stays."""
    kept = F.col("reason").isNull()
    # Rows without an identity are each their own, or one task would have to sort all of them.
    place = ("source_partition", "source_position", "source_name")
    alone = [F.when(~kept, F.col(column)) for column in place]
    copies = Window.partitionBy(F.col("event.event_id"), F.col("event_time"), *alone)
    order = (F.col("source") != "kafka", *map(F.col, place))
    second = kept & (F.row_number().over(copies.orderBy(*order)) > 1)
    return judged.withColumn("reason", F.when(second, F.lit(DUPLICATE)).otherwise(F.col("reason")))


def _conformed(
    kept: DataFrame, categories: DataFrame, assets: DataFrame, contract: DataContract
) -> DataFrame:
    """Typed rows with what the small reference tables say. What is in these twice adds no row."""
    typed = kept.select("event_date", *_fields(contract), *_SOURCE)
    names = categories.groupBy("category").agg(F.min("name").alias("category_name"))
    known = assets.select("reference_id").distinct().withColumn("known", F.lit(True))
    reference_known = F.when(F.col("reference_id").isNotNull(), F.coalesce("known", F.lit(False)))
    return (
        typed.join(F.broadcast(names), "category", "left")
        .join(F.broadcast(known), "reference_id", "left")
        .select(
            "event_date",
            *(name for name, _ in spark_columns(contract)),
            "category_name",
            reference_known.alias("reference_known"),
            *_SOURCE,
        )
    )


def _fields(contract: DataContract) -> list[Column]:
    """The contract's fields: those of the JSON, and event_time, which is the record's."""
    return [
        F.col("event_time") if name == "event_time" else F.col(f"event.`{name}`")
        for name, _ in spark_columns(contract)
    ]
