"""Encodes events into record batches, once, with the library's own encoder."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from itertools import repeat
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder

from harness.load.send.record_batches.encoded_batch import EncodedBatch

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
    """One batch of these events. Raises ValueError when there are none."""
    keys, values, times_ms = tuple(zip(*events, strict=True)) or ((), (), ())
    return encode_columns(keys, values, times_ms, compression)


def encode_columns(
    keys: Iterable[bytes | None] | None,
    values: Sequence[bytes],
    times_ms: Iterable[int],
    compression: Compression,
) -> EncodedBatch:
    """As ``encode``, from parallel columns. Without ``keys`` no record has one."""
    if not values:
        raise ValueError("a record batch has at least one event")
    builder = DefaultRecordBatchBuilder(
        2, _CODECS[compression], 0, producer_id=-1, producer_epoch=-1, base_sequence=-1, batch_size=_UNLIMITED
    )
    keys_or_none = repeat(None) if keys is None else keys
    # ``map`` does the looping: a Python loop would take longer than the encoder itself.
    appended = map(builder.append, range(len(values)), times_ms, keys_or_none, values, repeat([]))
    deque(appended, maxlen=0)
    return EncodedBatch.parse(builder.build())
