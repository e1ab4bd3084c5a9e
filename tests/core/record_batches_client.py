"""A client for record batches that takes them and answers as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Set

from aiokafka.record.default_records import DefaultRecordBatch

from harness.load.send.record_batches.encode import Event, encode
from harness.load.send.record_batches.prepared import PreparedBatch
from harness.load.send.record_batches.supply import Shipment

Answer = Callable[[PreparedBatch], BaseException | None]


class Client:
    """Takes batches as aiokafka's producer does."""

    def __init__(self, answer: Answer = lambda _: None, refuses: list[BaseException] | None = None) -> None:
        self.answer, self.refuses = answer, refuses or []
        self.taken: list[tuple[int, PreparedBatch]] = []
        self.stopped = False

    async def send_batch(self, batch: PreparedBatch, topic: str, *, partition: int) -> Awaitable[object]:
        assert topic == "t"
        await asyncio.sleep(0)
        if self.refuses:
            raise self.refuses.pop(0)
        self.taken.append((partition, batch))
        future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        if error := self.answer(batch):
            future.set_exception(error)
        else:
            future.set_result(None)
        return future

    async def partitions_for(self, topic: str) -> Set[int]:
        return set(range(3))

    async def stop(self) -> None:
        self.stopped = True


def shipment(number: int = 0) -> Shipment:
    """A batch of one event, the load's ``number``th."""
    batch = encode([Event(key=b"k", value=b"%d" % number, time_ms=number)], "none")
    return Shipment(batch=batch, shift_ms=0, first_number=number, first_arrival=number, last_arrival=number)


def records(client: Client) -> list[tuple[int, bytes | None, bytes | None, int]]:
    """Partition, key, value and time of everything that a client was given, as a real decoder reads it."""
    return [
        (partition, record.key, record.value, record.timestamp)
        for partition, batch in client.taken
        for record in DefaultRecordBatch(bytes(batch._build()))
    ]
