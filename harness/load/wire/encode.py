"""Encodes events into record batches: by the library's own encoder, once."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder

from harness.load.wire.batch import EncodedBatch

Compression = Literal["none", "snappy", "lz4", "zstd"]
_CODECS: Final = MappingProxyType(
    {
        "none": DefaultRecordBatch.CODEC_NONE,
        "snappy": DefaultRecordBatch.CODEC_SNAPPY,
        "lz4": DefaultRecordBatch.CODEC_LZ4,
        "zstd": DefaultRecordBatch.CODEC_ZSTD,
    }
)
_UNLIMITED: Final = 2**31 - 1


class Event(NamedTuple):
    """One record, before it is encoded."""

    key: bytes | None
    value: bytes
    time_ms: int


def encode(events: Iterable[Event], compression: Compression) -> EncodedBatch:
    """One batch of these events, of which there is at least one. Raises ValueError when there is none."""
    builder = DefaultRecordBatchBuilder(
        2, _CODECS[compression], 0, producer_id=-1, producer_epoch=-1, base_sequence=-1, batch_size=_UNLIMITED
    )
    count = 0
    for event in events:
        builder.append(count, event.time_ms, event.key, event.value, [])
        count += 1
    if not count:
        raise ValueError("a record batch has at least one event")
    return EncodedBatch.parse(builder.build())
