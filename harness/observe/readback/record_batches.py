"""Reads a topic back as record batches: every header and checksum is checked, and no record is decoded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c
from aiokafka.structs import TopicPartition

from harness.base.errors import PlatformError
from harness.base.report import Report
from harness.clients.kafka_connection import connection_settings
from harness.history.writer import TableWriter
from harness.load.send.record_batches.encoded_batch import HEADER_BYTES
from pipeline.base.endpoints import KafkaEndpoint
from pipeline.base.errors import KafkaFailed

_PART_PREFIX: Final = "readback"
_FETCH_BYTES: Final = 16 * 2**20
_WAIT_MS: Final = 100
_LENGTH_AT, _LENGTH_COUNTS_FROM = 8, 12


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundBatch:
    """A record batch as the broker stores it."""

    partition: int
    first_offset: int
    count: int
    base_timestamp_ms: int
    records_crc: int
    """CRC-32C of the compressed records alone, which identifies them under any header."""


def read_back_record_batches(kafka: KafkaEndpoint, topic: str, *, history: Path, report: Report) -> None:
    """Record every batch of the topic. Raises ``PlatformError`` when it cannot be read in full."""
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


def read_batches(kafka: KafkaEndpoint, topic: str) -> list[FoundBatch]:
    """Return every batch of a topic, in order within each partition. Raises KafkaFailed for a damaged one."""
    return asyncio.run(_read(kafka, topic))


async def _read(kafka: KafkaEndpoint, topic: str) -> list[FoundBatch]:
    found: list[FoundBatch] = []
    client = AIOKafkaClient(**connection_settings(kafka))
    await client.bootstrap()
    try:
        await client.set_topics([topic])
        for partition in sorted(client.cluster.partitions_for_topic(topic)):
            async for batch in _batches(client, TopicPartition(topic, partition)):
                found.append(batch)
    finally:
        await client.close()
    return found


async def _batches(client: AIOKafkaClient, of: TopicPartition) -> AsyncIterator[FoundBatch]:
    offset = 0
    while True:
        node = client.cluster.leader_for_partition(of)
        request = FetchRequest(
            _WAIT_MS, 1, _FETCH_BYTES, 0, [(of.topic, [(of.partition, offset, _FETCH_BYTES)])]
        )
        answer = await client.send(node, request)
        ((_, ((_, code, end, *_, raw),)),) = answer.topics
        if code:
            raise KafkaFailed(f"{of.topic}-{of.partition}: {for_code(code).__name__}")
        if offset >= end:
            return
        for batch in _whole_batches(bytes(raw), of):
            yield batch
            offset = batch.first_offset + batch.count


def _whole_batches(raw: bytes, of: TopicPartition) -> list[FoundBatch]:
    """The whole batches of an answer; a truncated last one is left for the next request."""
    found, position = [], 0
    records = MemoryRecords(raw)
    while records.has_next():
        read = records.next_batch()
        length = int.from_bytes(raw[position + _LENGTH_AT : position + _LENGTH_COUNTS_FROM], "big")
        end = position + _LENGTH_COUNTS_FROM + length
        if not isinstance(read, DefaultRecordBatch) or not read.validate_crc():
            raise KafkaFailed(f"{of.topic}-{of.partition}: the batch at byte {position} is damaged")
        found.append(
            FoundBatch(
                partition=of.partition,
                first_offset=read.base_offset,
                count=read.last_offset_delta + 1,
                base_timestamp_ms=read.first_timestamp,
                records_crc=calc_crc32c(raw[position + HEADER_BYTES : end]),
            )
        )
        position = end
    return found
