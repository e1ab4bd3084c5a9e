"""Silver: a day's Bronze rows, typed by the contract, deduplicated and joined with reference data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from pyspark import StorageLevel
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from pipeline.contract.derive import spark_columns
from pipeline.contract.odcs import DataContract
from pipeline.days.layers.contract_judge import judge_of
from pipeline.days.tables.delta_tables import SILVER_EVENTS
from pipeline.quality.measures import with_matches
from pipeline.quality.table_rules import rules_of

DUPLICATE: Final = "duplicate_identity"
"""The reject reason for a second copy of an identity."""

_SOURCE: Final = ("source", "source_name", "source_partition", "source_position")
_REJECTED: Final = ("reason", *_SOURCE, "key", "value")
_REJECT: Final = "_reject"
_KNOWN: Final = "_known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Silver:
    """A day's Bronze rows, each either accepted or rejected.

    The rows are judged once and kept on the session's disks until no frame refers to them.
    """

    accepted: DataFrame
    """``event_date``, the contract's fields, ``category_name``, ``reference_known``, source position."""
    audited: DataFrame
    """The same rows, with the reference matches that the gate needs; both share one lookup."""
    rejects: DataFrame
    """``event_date``, ``reason``, the source position, ``key`` and ``value``."""


def silver(
    bronze: DataFrame,
    references: Mapping[str, DataFrame],
    contract: DataContract,
    *,
    duplicates: Literal["drop", "keep"] = "drop",
) -> Silver:
    """Judge the Bronze rows of one day. The result does not depend on the order of the rows.

    ``references``: the tables ``categories`` and ``assets``.
    """
    judge = judge_of(bronze.sparkSession, contract)
    # The event stays a struct, because its fields may have the names of Bronze's columns.
    judged = bronze.withColumn("judged", judge(F.col("value"))).select(
        *bronze.columns, F.col("judged.reason").alias("reason"), F.col("judged.event").alias("event")
    )
    if duplicates == "drop":
        judged = _second_copies_rejected(judged)
    # A checkpoint keeps rows as they are; converting them for Spark's cache takes longer than judging them.
    kept = _typed(judged, references, contract).localCheckpoint(
        eager=False, storageLevel=StorageLevel.DISK_ONLY
    )
    audited = kept.where(f"{_REJECT} IS NULL").drop(_REJECT)
    return Silver(
        accepted=audited.select(*_accepted(contract)),
        audited=audited,
        rejects=kept.where(f"{_REJECT} IS NOT NULL").select("event_date", f"{_REJECT}.*"),
    )


def _second_copies_rejected(judged: DataFrame) -> DataFrame:
    """Reject all but the first of the valid rows of one identity."""
    kept = F.col("reason").isNull()
    # Invalid rows are partitioned by position, or a single task would have to sort all of them.
    place = ("source_partition", "source_position", "source_name")
    alone = [F.when(~kept, F.col(column)) for column in place]
    copies = Window.partitionBy(F.col("event.event_id"), F.col("event_time"), *alone)
    order = (F.col("source") != "kafka", *map(F.col, place))
    second = kept & (F.row_number().over(copies.orderBy(*order)) > 1)
    return judged.withColumn("reason", F.when(second, F.lit(DUPLICATE)).otherwise(F.col("reason")))


def _typed(judged: DataFrame, references: Mapping[str, DataFrame], contract: DataContract) -> DataFrame:
    """Type the rows and join the small reference tables; ``_REJECT`` says why a row is rejected, if it is.

    Duplicates in a reference table add no rows.
    """
    reject = F.when(F.col("reason").isNotNull(), F.struct(*_REJECTED)).alias(_REJECT)
    typed = judged.select("event_date", *_fields(contract), *_SOURCE, reject)
    names = references["categories"].groupBy("category").agg(F.min("name").alias("category_name"))
    known = references["assets"].select("reference_id").distinct().withColumn(_KNOWN, F.lit(True))
    reference_known = F.when(F.col("reference_id").isNotNull(), F.coalesce(_KNOWN, F.lit(False)))
    conformed = (
        typed.join(F.broadcast(names), "category", "left")
        .join(F.broadcast(known), "reference_id", "left")
        .withColumn("reference_known", reference_known)
        .drop(_KNOWN)
    )
    return with_matches(conformed, rules_of(SILVER_EVENTS.name, contract), references)


def _accepted(contract: DataContract) -> tuple[str, ...]:
    """Return the columns of Silver."""
    fields = (name for name, _ in spark_columns(contract))
    return ("event_date", *fields, "category_name", "reference_known", *_SOURCE)


def _fields(contract: DataContract) -> list[Column]:
    """Return the contract's fields: those of the JSON, and event_time from the record."""
    return [
        F.col("event_time") if name == "event_time" else F.col(f"event.`{name}`")
        for name, _ in spark_columns(contract)
    ]
