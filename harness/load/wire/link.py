"""A connection of a replay to its cluster: a producer, and another one when it fails for good."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Set
from contextlib import suppress
from typing import Final, Protocol

from aiokafka.errors import KafkaError

from harness.load.wire.prepared import PreparedBatch

_RENEWAL_PAUSE_S: Final = 0.5


class WireProducer(Protocol):
    """What a replay asks of aiokafka's producer."""

    async def send_batch(self, batch: PreparedBatch, topic: str, *, partition: int) -> Awaitable[object]:
        """Queue a batch; the answer is awaited on what is returned."""
        ...

    async def partitions_for(self, topic: str) -> Set[int]:
        """The topic's partitions. Raises KafkaError when there is no such topic."""
        ...

    async def stop(self) -> None:
        """Send what waits, and close the connections."""
        ...


class Link:
    """A producer, and another once it is beyond use."""

    def __init__(self, connect: Callable[[], Awaitable[WireProducer]]) -> None:
        self._connect = connect
        self._producer: WireProducer | None = None
        self._connecting = asyncio.Lock()

    async def producer(self) -> WireProducer:
        """The one that works. Raises KafkaError when the cluster cannot be reached."""
        async with self._connecting:
            if self._producer is None:
                self._producer = await self._connect()
            return self._producer

    async def renew(self, broken: WireProducer) -> None:
        """Let go of a producer that failed for good, unless another lane did so already."""
        if self._producer is broken:
            self._producer = None
            with suppress(KafkaError):
                await broken.stop()
            await asyncio.sleep(_RENEWAL_PAUSE_S)

    async def close(self) -> None:
        """Let go of the connections."""
        if self._producer is not None:
            await self._producer.stop()
