"""A connection to the cluster: a producer, and a new one when that fails for good."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Set
from typing import Final, Protocol

from aiokafka.errors import KafkaError

from harness.load.send.record_batches.prepared import PreparedBatch

_RENEWAL_PAUSE_S: Final = 0.5
_CLOSE_S: Final = 10.0
"""A producer stops once its last batch has an answer, which may never come."""
_log = logging.getLogger(__name__)


class SendsRecordBatches(Protocol):
    """What sending needs of aiokafka's producer."""

    async def send_batch(self, batch: PreparedBatch, topic: str, *, partition: int) -> Awaitable[object]:
        """Queue a batch. Await what it returns for the answer."""
        ...

    async def partitions_for(self, topic: str) -> Set[int]:
        """The topic's partitions. Raises KafkaError when there is no such topic."""
        ...

    async def stop(self) -> None:
        """Send what is queued, and close the connections."""
        ...


class Link:
    """A producer, and a new one once that is unusable.

    An idempotent producer is unusable as soon as a batch fails: the batch has used up its sequence number,
    and the broker refuses every later batch of that producer and partition.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[SendsRecordBatches]],
        *,
        idempotent: bool = True,
        pause_s: float = _RENEWAL_PAUSE_S,
    ) -> None:
        self._connect, self._idempotent, self._pause_s = connect, idempotent, pause_s
        self._producer: SendsRecordBatches | None = None
        self._connecting = asyncio.Lock()
        self._ending: set[asyncio.Task[None]] = set()
        self._renewed = False

    async def producer(self) -> SendsRecordBatches:
        """One that works. Raises KafkaError when the cluster cannot be reached."""
        async with self._connecting:
            if self._producer is None:
                if self._renewed:
                    await asyncio.sleep(self._pause_s)
                self._producer = await self._connect()
            return self._producer

    def batch_failed(self, producer: SendsRecordBatches) -> None:
        """A batch that it had accepted was not written, or may not have been."""
        if self._idempotent:
            self.renew(producer)

    def renew(self, broken: SendsRecordBatches) -> None:
        """Replace the producer, unless it was replaced already. The broken one finishes what it holds."""
        if self._producer is broken:
            self._producer, self._renewed = None, True
            self._end(broken)

    async def close(self) -> None:
        """Close all connections, including those that are still sending."""
        if self._producer is not None:
            self._end(self._producer)
            self._producer = None
        if self._ending:
            _, late = await asyncio.wait(set(self._ending), timeout=_CLOSE_S)
            for task in late:
                task.cancel()

    def _end(self, producer: SendsRecordBatches) -> None:
        task = asyncio.create_task(_stop(producer))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)


async def _stop(producer: SendsRecordBatches) -> None:
    try:
        await producer.stop()
    except KafkaError as error:
        _log.warning("a producer did not stop cleanly: %r", error)
