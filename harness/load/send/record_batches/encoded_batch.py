"""A record batch of Kafka's message format 2, encoded once, and its header, rewritten for each send.

The layout is the protocol's (https://kafka.apache.org/documentation/#recordbatch). Everything before the CRC
is outside it; of what it covers, the 40 bytes before the records change and the records never do.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from aiokafka.record.util import calc_crc32c

from harness.load.send.record_batches.crc32c import joined, power_for

_OUTSIDE: Final = struct.Struct(">qiibI")
"""Base offset, bytes that follow, leader's epoch, magic and CRC."""
_COVERED: Final = struct.Struct(">hiqqqhii")
"""Attributes, last offset, base and maximum timestamp, producer's id, epoch, base sequence, and records."""
HEADER_BYTES: Final = _OUTSIDE.size + _COVERED.size
_LENGTH_COUNTS_FROM: Final = 12
_MAGIC: Final = 2
_NO_EPOCH: Final = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class ProducerState:
    """Who sends a batch, and the sequence of its first record. A broker accepts each sequence once."""

    id: int = -1
    epoch: int = -1
    sequence: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedBatch:
    """The records of one batch as they go over the wire, and what its header says about them."""

    records: bytes | memoryview
    """Compressed as ``attributes`` says."""
    records_crc: int
    records_power: int
    """``power_for`` their length."""
    count: int
    attributes: int
    base_timestamp_ms: int
    max_timestamp_ms: int

    @staticmethod
    def parse(raw: bytes | bytearray | memoryview) -> EncodedBatch:
        """Take a batch apart. Raises ValueError when it is not one whole batch of format 2."""
        if len(raw) < HEADER_BYTES:
            raise ValueError(f"a record batch has at least {HEADER_BYTES} bytes, not {len(raw)}")
        _, length, _, magic, _ = _OUTSIDE.unpack_from(raw)
        if magic != _MAGIC or length + _LENGTH_COUNTS_FROM != len(raw):
            raise ValueError(f"no record batch of format 2: format {magic}, {length} bytes of {len(raw)}")
        attributes, _, base_ms, max_ms, _, _, _, count = _COVERED.unpack_from(raw, _OUTSIDE.size)
        records = bytes(raw[HEADER_BYTES:])
        return EncodedBatch(
            records=records,
            records_crc=calc_crc32c(records),
            records_power=power_for(len(records)),
            count=count,
            attributes=attributes,
            base_timestamp_ms=base_ms,
            max_timestamp_ms=max_ms,
        )

    @property
    def size_bytes(self) -> int:
        """Over the wire, header included."""
        return HEADER_BYTES + len(self.records)

    def stamped(self, shift_ms: int, producer: ProducerState) -> bytes:
        """The batch as it is sent: its times shifted by ``shift_ms``, under its producer."""
        return b"".join((self.header(shift_ms, producer), self.records))

    def header(self, shift_ms: int, producer: ProducerState) -> bytes:
        """The part of ``stamped`` before the records."""
        covered = _COVERED.pack(
            self.attributes,
            self.count - 1,
            self.base_timestamp_ms + shift_ms,
            self.max_timestamp_ms + shift_ms,
            producer.id,
            producer.epoch,
            producer.sequence,
            self.count,
        )
        crc = joined(calc_crc32c(covered), self.records_crc, self.records_power)
        length = self.size_bytes - _LENGTH_COUNTS_FROM
        return _OUTSIDE.pack(0, length, _NO_EPOCH, _MAGIC, crc) + covered
