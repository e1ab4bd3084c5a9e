"""The contract as a Spark function: the same judge, and the same code, as in the stream job."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final

from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from pipeline.contract.derive import rules_json
from pipeline.contract.odcs import DataContract

_CATALOG_CLASS: Final = "floodmark.lake.ContractCatalog"


def judge_of(spark: SparkSession, contract: DataContract) -> Callable[[Column], Column]:
    """Return the contract's judge: from an event's JSON (binary) to a struct of ``reason`` and ``event``.

    ``reason`` says how the event violates the contract, with the stream's words; null for a valid event.
    ``event`` has the JSON's fields; null for an invalid event. The session needs the jar of ``LAKE_JAVA``.
    """
    rules = rules_json(contract)
    # One catalogue per version, since Spark keeps a catalogue's options from its first use.
    catalog = f"contract_{hashlib.sha256(rules.encode()).hexdigest()[:16]}"
    spark.conf.set(f"spark.sql.catalog.{catalog}", _CATALOG_CLASS)
    spark.conf.set(f"spark.sql.catalog.{catalog}.rules", rules)
    return lambda value: F.call_function(f"{catalog}.judge", value)
