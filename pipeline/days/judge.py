"""The contract as a function of Spark: the same judge, by the same code, that the stream has."""

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
    """The judge of this contract: from an event's JSON (binary) to a struct of ``reason`` and ``event``.

    ``reason`` says why the contract is broken, in the stream's words; null when it is kept. ``event`` has the
    fields of the JSON; null when it is broken. The session has the jar of ``LAKE_JAVA``.
    """
    rules = rules_json(contract)
    # A catalogue a version, since Spark keeps a catalogue with the options that it was first used with.
    catalog = f"contract_{hashlib.sha256(rules.encode()).hexdigest()[:16]}"
    spark.conf.set(f"spark.sql.catalog.{catalog}", _CATALOG_CLASS)
    spark.conf.set(f"spark.sql.catalog.{catalog}.rules", rules)
    return lambda value: F.call_function(f"{catalog}.judge", value)
