"""The Java part of the lake: the judge of the contract that the stream has, as a function of Spark."""

from __future__ import annotations

from typing import Final

from pipeline.java_part import JavaPart

LAKE_JAVA: Final = JavaPart(name="lake", packages=("pipeline.contract", "pipeline.days"))
"""Compiled against pyspark's jars. A session has it in ``spark.jars``, or on its class path."""
