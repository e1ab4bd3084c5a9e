"""What a process that sends record batches leaves behind, however its load ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from pathlib import Path

import pytest

from harness.base.clocks import Clocks
from harness.history.progress import LoadProgress
from harness.load.send.record_batches.drive import Recorder, drive
from harness.load.send.record_batches.link import Link
from harness.load.send.record_batches.prepared import PreparedBatch
from harness.load.send.record_batches.schedule import Flood, Paced
from harness.load.send.record_batches.sender import RecordBatchesLoad, RecordBatchesSender
from harness.load.send.record_batches.supply import Shipment
from harness.scenario.profiles.constant import Constant
from tests.core.events_parts import Hand, Noted, operations
from tests.core.record_batches_client import Client, shipment


class Supply:
    """One batch, and then an error or the end."""

    partitions: Sequence[int] = (0,)

    def __init__(self, error: Exception | None = None) -> None:
        self._rest, self._error = [shipment()], error

    async def next(self, partition: int) -> Shipment | None:
        if self._rest:
            return self._rest.pop()
        if self._error is not None:
            raise self._error
        return None

    def close(self) -> None:
        pass


class Silent(Client):
    """Takes every batch, and answers none."""

    async def send_batch(self, batch: PreparedBatch, topic: str, *, partition: int) -> Awaitable[object]:
        await super().send_batch(batch, topic, partition=partition)
        return asyncio.get_running_loop().create_future()


def driven(folder: Path, supply: Supply, client: Client) -> None:
    clocks = Clocks(epoch_unix_ns=0, epoch_monotonic_ns=0, load_start_ns=0, origin_ms=0, time_scale=1)

    async def connect() -> Client:
        return client

    async def run() -> None:
        recorder = Recorder.open(folder / "history", folder / "load", "w", clocks, total=1)
        load = RecordBatchesLoad(topic="t", pace=Flood(), load_start_ns=0)
        await drive(load, supply, [Link(connect)], recorder, flush_timeout_s=0.1, stop_timeout_s=0.1)

    asyncio.run(run())


def state(folder: Path) -> str:
    progress = LoadProgress.load(folder / "load")
    assert progress is not None
    return progress.state


def test_a_load_that_came_to_its_end_is_done(tmp_path: Path) -> None:
    driven(tmp_path, Supply(), Client())
    assert state(tmp_path) == "done"


def test_a_load_that_dies_has_failed(tmp_path: Path) -> None:
    with pytest.raises(ExceptionGroup):
        driven(tmp_path, Supply(ValueError("damaged")), Client())
    assert state(tmp_path) == "failed"


def test_what_was_under_way_when_a_load_died_has_an_outcome(tmp_path: Path) -> None:
    with pytest.raises(ExceptionGroup):
        driven(tmp_path, Supply(ValueError("damaged")), Silent())
    assert [row["outcome"] for row in operations(tmp_path)] == ["unknown"]


def test_a_load_tells_how_long_ago_what_waits_for_the_platform_was_due(tmp_path: Path) -> None:
    hand, told = Hand(), list[float]()
    hand.ns = 5_000_000_000

    class Asking(Client):
        async def send_batch(self, batch: PreparedBatch, topic: str, *, partition: int) -> Awaitable[object]:
            told.append(sender.behind_ms())
            return await super().send_batch(batch, topic, partition=partition)

    async def connect() -> Client:
        return Asking()

    load = RecordBatchesLoad(
        topic="t", pace=Paced(Constant(rate=1.0).curve(10.0)), load_start_ns=1_000_000_000
    )
    sender = RecordBatchesSender(
        load, Supply(), [Link(connect)], record=lambda _: None, meter=Noted(), now_ns=hand
    )
    asyncio.run(sender.run(flush_timeout_s=0.1))
    assert told == [3500.0]
    assert sender.behind_ms() == 0
