"""The Java part of the batch layer: the judge of the contract that the stream has, as a function of Spark."""

from __future__ import annotations

from typing import Final

from pipeline.java_part import JavaPart

BATCH_JAVA: Final = JavaPart(name="batch", packages=("pipeline.contract", "pipeline.batch"))
"""Compiled against pyspark's jars. A session has it in ``spark.jars``, or on its class path."""
