"""Fills a topic with the events of a plan, the plan over and over, as a load would have sent them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import count, islice
from typing import Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from confluent_kafka import Producer

from harness.base.event_clock import origin_for
from harness.base.report import Report
from harness.load.plan.file import PlanFile
from harness.observe.platform.offsets import Offsets, OffsetsUnknown
from pipeline.base.endpoints import KafkaEndpoint
from pipeline.base.errors import KafkaFailed
from pipeline.base.kafka_access import client_config

_COLUMNS: Final = ("seq", "kind", "entity_id", "event_offset_ms", "payload")
_IDENTITY: Final = b'"event_id":"'
_HOUR_MS: Final = 3_600_000
_FLUSH_TIMEOUT_S: Final = 120.0
_REPORT_EVERY: Final = 500_000
# As the load has them (harness/load/workers/events_producers.py): it is read back in the same layout.
_SETTINGS: Final[dict[str, str | int | bool]] = {
    "acks": "all",
    "enable.idempotence": True,
    "partitioner": "murmur2_random",
    "linger.ms": 100,
    "compression.type": "snappy",
    "batch.size": 256 * 1024,
    "queue.buffering.max.messages": 200_000,
}


class Record(NamedTuple):
    """One record of the topic."""

    key: bytes
    payload: bytes
    event_time_ms: int


def fill(kafka: KafkaEndpoint, topic: str, plan: PlanFile, *, events: int, report: Report) -> None:
    """Send exactly this many records to an empty topic. Raises KafkaFailed unless all of them are there."""
    began_s = time.monotonic()
    producer = Producer({**client_config(kafka), **_SETTINGS})
    now_ms = time.time_ns() // 1_000_000
    for number, record in enumerate(repeated(plan, events=events, now_ms=now_ms), start=1):
        _send(producer, topic, record)
        if number % _REPORT_EVERY == 0:
            report(f"{number:,} of {events:,} events handed to Kafka's client")
    producer.flush(_FLUSH_TIMEOUT_S)
    found = _records_in(kafka, topic)
    if found != events:
        raise KafkaFailed(f"{topic} has {found:,} records, not the {events:,} that were sent")
    report(f"{topic} filled with {events:,} events in {time.monotonic() - began_s:.1f} s")


def repeated(plan: PlanFile, *, events: int, now_ms: int) -> Iterator[Record]:
    """The first ``events`` records of the plan after itself, over and over.

    Each repetition lies wholly behind the one before it in event time, its closing events included, so that
    none of its events is late because of them; and every event lies in the past. A repetition's number
    stands in its events' ids. What is malformed stays as it is: a change could mend it.
    """
    period_ms = (plan.span_ms // _HOUR_MS + 1) * _HOUR_MS
    repetitions = -(-events // plan.events)
    span_ms = (repetitions - 1) * period_ms + plan.span_ms
    first_ms = origin_for(span_ms=span_ms, start_unix_ms=now_ms)
    endless = (
        record
        for number in count()
        for record in _repetition(plan, mark=b"%d-" % number, origin_ms=first_ms + number * period_ms)
    )
    return islice(endless, events)


def _repetition(plan: PlanFile, *, mark: bytes, origin_ms: int) -> Iterator[Record]:
    with pq.ParquetFile(plan.path) as file:
        for rows in file.iter_batches(columns=list(_COLUMNS)):
            for key, kind, payload, offset_ms in zip(
                _keys(rows),
                rows.column("kind").to_pylist(),
                rows.column("payload").to_pylist(),
                rows.column("event_offset_ms").to_pylist(),
                strict=True,
            ):
                sent = payload if kind == "malformed" else payload.replace(_IDENTITY, _IDENTITY + mark, 1)
                yield Record(key=key, payload=sent, event_time_ms=origin_ms + offset_ms)


def _keys(rows: pa.RecordBatch) -> list[bytes]:
    # As a load does: a damaged event may have lost its entity, and its seq then serves as its key.
    keys = pc.coalesce(rows.column("entity_id"), rows.column("seq").cast(pa.string()))
    found: list[bytes] = keys.cast(pa.binary()).to_pylist()
    return found


def _send(producer: Producer, topic: str, record: Record) -> None:
    """Hand a record to the client, once it has room."""
    while True:
        try:
            producer.produce(topic, record.payload, record.key, timestamp=record.event_time_ms)
        except BufferError:
            producer.poll(0.1)
        else:
            return


def _records_in(kafka: KafkaEndpoint, topic: str) -> int:
    """Records of a topic whose offsets have no gaps, as no transaction ever wrote to it."""
    offsets = Offsets(kafka, timeout_s=30.0)
    try:
        return sum(offsets.written(offsets.partitions([topic])).values())
    except OffsetsUnknown as error:
        raise KafkaFailed(f"{topic}: {error}") from error
    finally:
        offsets.close()
