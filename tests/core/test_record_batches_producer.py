"""How long the client of record batches keeps a batch that nobody takes."""

from __future__ import annotations

import asyncio
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Literal

import pytest
from aiokafka.structs import TopicPartition

from harness.load.send.record_batches.prepared import PreparedBatch
from harness.load.send.record_batches.producer import record_batches_producer
from pipeline.base.endpoints import KafkaEndpoint
from tests.core.record_batches_client import shipment


def is_given_up(acks: Literal["all", "1"], after_s: float, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether a batch whose partition has no leader has failed after so long."""
    clock = [0.0]
    hand = SimpleNamespace(monotonic=lambda: clock[0])
    monkeypatch.setattr("aiokafka.producer.message_accumulator.time", hand)

    async def run() -> bool:
        producer = record_batches_producer(
            KafkaEndpoint(bootstrap_servers=("localhost:1",)), name="w", acks=acks
        )
        if producer._txn_manager is not None:
            producer._txn_manager.set_pid_and_epoch(1, 0)
        accumulator = producer._message_accumulator
        batch = PreparedBatch(shipment().batch, shift_ms=0)
        answer = await accumulator.add_batch(batch, TopicPartition("t", 0), 1)
        clock[0] = after_s
        accumulator.drain_by_nodes(set())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        failed = answer.done() and answer.exception() is not None
        answer.cancel()
        await producer.stop()
        return failed

    return asyncio.run(run())


@pytest.mark.parametrize(("acks", "kept_s"), [("all", 59), ("1", 4)])
def test_a_batch_without_a_leader_is_kept_so_long(
    acks: Literal["all", "1"], kept_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not is_given_up(acks, kept_s, monkeypatch)
    assert is_given_up(acks, kept_s + 2, monkeypatch)


def test_a_batch_that_the_platform_keeps_in_the_queue_says_when_it_could_leave() -> None:
    async def run() -> list[int]:
        producer = record_batches_producer(
            KafkaEndpoint(bootstrap_servers=("localhost:1",)), name="w", acks="all"
        )
        kept, free = (PreparedBatch(shipment().batch, shift_ms=0, now_ns=lambda: 7) for _ in range(2))
        answer = await producer._message_accumulator.add_batch(kept, TopicPartition("t", 0), 1)
        producer._message_accumulator.drain_by_nodes(set())
        for batch in (kept, free):
            batch._build()
        answer.cancel()
        await producer.stop()
        return [kept.freed_ns, free.freed_ns]

    assert asyncio.run(run()) == [7, 0]


def test_the_library_whose_own_parts_are_changed_is_bounded_to_the_versions_that_have_them() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    (asked,) = [text for text in project["dependencies"] if text.startswith("aiokafka")]
    assert asked.endswith(">=0.14,<0.15")
