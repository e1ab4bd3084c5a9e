"""The request is the library's own, byte for byte."""

from __future__ import annotations

from typing import Any

import pytest
from aiokafka.protocol.produce import ProduceRequest, ProduceRequest_v3, ProduceRequest_v7
from hypothesis import given
from hypothesis import strategies as st

from harness.load.send.record_batches.request import JoinedProduceRequest, StampedBatch

BATCHES = st.lists(st.tuples(st.integers(0, 99), st.binary(max_size=50), st.binary(max_size=200)), max_size=4)
TOPICS = st.lists(st.tuples(st.text(max_size=20), BATCHES), max_size=3)


def request(topics: Any, transaction: str | None = None) -> ProduceRequest:
    return ProduceRequest(transaction, -1, 5000, topics)


def stamped(topics: Any) -> Any:
    return [(topic, [(p, StampedBatch(head, memoryview(r))) for p, head, r in b]) for topic, b in topics]


def plain(topics: Any) -> Any:
    return [(topic, [(p, head + r) for p, head, r in b]) for topic, b in topics]


@given(TOPICS, st.none() | st.text(max_size=20), st.binary(max_size=30), st.binary(min_size=4, max_size=4))
def test_on_the_wire_it_is_what_the_library_would_have_written(
    topics: Any, transaction: str | None, header: bytes, length: bytes
) -> None:
    expected = header + request(plain(topics), transaction).build(ProduceRequest_v7).encode()
    joined: Any = JoinedProduceRequest(request(stamped(topics), transaction)).build(ProduceRequest_v7)
    message = header + joined.encode()
    assert len(message) == len(expected)
    assert length + message == length + expected


@given(TOPICS)
def test_an_older_broker_gets_what_the_library_writes(topics: Any) -> None:
    joined = JoinedProduceRequest(request(stamped(topics))).build(ProduceRequest_v3)
    assert joined.encode() == request(plain(topics)).build(ProduceRequest_v3).encode()


@pytest.mark.parametrize("records", [b"abc", memoryview(b"abc")])
def test_a_stamped_batch_is_its_parts(records: bytes | memoryview) -> None:
    batch = StampedBatch(b"head", records)
    assert bytes(batch) == b"headabc"
    assert len(batch) == 7
