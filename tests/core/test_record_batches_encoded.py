"""A header that is written anew is what a real decoder, and a whole encoding, would have it be."""

from __future__ import annotations

import pytest
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c
from hypothesis import given
from hypothesis import strategies as st

from harness.load.send.record_batches.crc32c import joined, power_for
from harness.load.send.record_batches.encode import Event, encode
from harness.load.send.record_batches.encoded_batch import HEADER_BYTES, EncodedBatch, ProducerState

times = st.integers(0, 2**45)
events = st.lists(
    st.builds(Event, key=st.none() | st.binary(max_size=20), value=st.binary(max_size=200), time_ms=times),
    min_size=1,
    max_size=30,
)
producers = st.builds(
    ProducerState,
    id=st.integers(-1, 2**63 - 1),
    epoch=st.integers(-1, 2**15 - 1),
    sequence=st.integers(-1, 2**31 - 1),
)
compressions = st.sampled_from(["none", "snappy", "lz4", "zstd"])


@given(st.binary(max_size=5000), st.binary(max_size=5000))
def test_a_crc_is_joined_from_those_of_two_parts(first: bytes, second: bytes) -> None:
    crc = joined(calc_crc32c(first), calc_crc32c(second), power_for(len(second)))
    assert crc == calc_crc32c(first + second)


@given(events, compressions, producers, st.integers(-(2**40), 2**44))
def test_a_real_decoder_reads_what_was_stamped(
    sent: list[Event], compression: str, producer: ProducerState, shift_ms: int
) -> None:
    batch = encode(sent, compression)  # type: ignore[arg-type]
    read = DefaultRecordBatch(batch.stamped(shift_ms, producer))
    assert read.validate_crc()
    assert (read.producer_id, read.producer_epoch, read.base_sequence) == (
        producer.id,
        producer.epoch,
        producer.sequence,
    )
    assert (read.base_offset, read.last_offset_delta) == (0, len(sent) - 1)
    assert read.max_timestamp == max(event.time_ms for event in sent) + shift_ms
    assert [(r.key, r.value, r.timestamp) for r in read] == [
        (event.key, event.value, event.time_ms + shift_ms) for event in sent
    ]


@given(events, producers)
def test_an_unmoved_stamp_is_byte_for_byte_the_librarys_encoding(
    sent: list[Event], producer: ProducerState
) -> None:
    builder = DefaultRecordBatchBuilder(2, 0, 0, producer.id, producer.epoch, producer.sequence, 1 << 30)
    for offset, event in enumerate(sent):
        builder.append(offset, event.time_ms, event.key, event.value, [])
    whole = builder.build()
    # The library leaves the leader's epoch 0, which only brokers write.
    assert _without_epoch(encode(sent, "none").stamped(0, producer)) == _without_epoch(bytes(whole))


def _without_epoch(raw: bytes) -> bytes:
    return raw[:12] + raw[16:]


@given(events, st.integers(HEADER_BYTES, 4000), st.integers(1, 255))
def test_a_changed_byte_is_found(sent: list[Event], place: int, change: int) -> None:
    raw = bytearray(encode(sent, "none").stamped(0, ProducerState()))
    raw[HEADER_BYTES + place % (len(raw) - HEADER_BYTES)] ^= change
    assert not DefaultRecordBatch(bytes(raw)).validate_crc()


@pytest.mark.parametrize("raw", [b"", bytes(60), bytes(61), bytes(200)])
def test_what_is_no_batch_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match="batch"):
        EncodedBatch.parse(raw)


def test_a_batch_is_not_empty() -> None:
    with pytest.raises(ValueError, match="at least one event"):
        encode([], "none")
