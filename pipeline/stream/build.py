"""The Java part of the stream job: the source connector, which judges by the contract, and the sessions."""

from __future__ import annotations

from typing import Final

from pipeline.java_part import JavaPart

STREAM_JAVA: Final = JavaPart(
    name="stream",
    packages=("pipeline.contract", "pipeline.stream"),
    # Flink's own copy of Jackson.
    relocated={"com.fasterxml.jackson": "org.apache.flink.shaded.jackson2.com.fasterxml.jackson"},
    services={"org.apache.flink.table.factories.Factory": "floodmark.pipeline.EventsTableFactory"},
)
"""Compiled against the jars of Flink's distribution, table API, table runtime and Kafka SQL connector."""
