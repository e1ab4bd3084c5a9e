"""Reads back a topic that was flooded with whole batches: what each is known by, and no record of it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from aiokafka.errors import KafkaError

from harness.base.errors import PlatformError
from harness.base.report import Report
from harness.history.writer import TableWriter
from harness.observe.readback.record_batch_reader import read_batches
from pipeline.base.endpoints import KafkaEndpoint
from pipeline.base.errors import KafkaFailed

_PART_PREFIX: Final = "readback"


def read_back_record_batches(kafka: KafkaEndpoint, topic: str, *, history: Path, report: Report) -> None:
    """Record every batch of the topic. Raises ``PlatformError`` when it cannot be read to its end."""
    try:
        found = read_batches(kafka, topic)
    except (KafkaError, KafkaFailed) as error:
        raise PlatformError(f"read-back of {topic}: {type(error).__name__}: {error}") from error
    with TableWriter(history, "readback_record_batches", _PART_PREFIX) as writer:
        writer.write(
            {
                "partition": [batch.partition for batch in found],
                "offset": [batch.first_offset for batch in found],
                "count": [batch.count for batch in found],
                "base_timestamp_ms": [batch.base_timestamp_ms for batch in found],
                "records_crc": [batch.records_crc for batch in found],
            }
        )
    events = sum(batch.count for batch in found)
    report(f"read back {events:,} records of {topic} in {len(found):,} batches")
