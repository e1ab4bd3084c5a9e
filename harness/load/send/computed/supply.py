"""Builds computed batches on demand, one chunk ahead, in a thread beside the sockets."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from harness.load.send.computed.batches import Placed
from harness.load.send.record_batches.supply import Shipment

_AHEAD_EVENTS: Final = 65_536


class ComputedSupply:
    """Each partition's batches, in the order in which they are built.

    While more than ``ahead_events`` wait to be taken nothing is added. A partition that takes nothing then
    delays the others, because a load has one order and memory is limited.
    """

    def __init__(
        self,
        built: Iterator[Sequence[Placed]],
        *,
        partitions: Sequence[int],
        now_ns: Callable[[], int],
        ahead_events: int = _AHEAD_EVENTS,
    ) -> None:
        self._built, self._now_ns, self._ahead_events = built, now_ns, ahead_events
        self._waiting: dict[int, deque[Shipment]] = {partition: deque() for partition in partitions}
        self._waiting_events = 0
        self._refilling, self._room = asyncio.Lock(), asyncio.Event()
        self._ahead: asyncio.Task[Sequence[Placed] | None] | None = None
        self._ended = self._closed = False

    @property
    def partitions(self) -> Sequence[int]:
        """Those of the worker's share."""
        return list(self._waiting)

    async def next(self, partition: int) -> Shipment | None:
        """The partition's next batch, once it is built; None when there is no other.

        Raises what the source does.
        """
        own = self._waiting[partition]
        while not own and not self._ended:
            async with self._refilling:
                if not own and not self._ended:
                    await self._refill()
        if self._closed or not own:
            return None
        shipment = own.popleft()
        self._waiting_events -= shipment.batch.count
        self._update_room()
        return shipment

    def close(self) -> None:
        """Build nothing more."""
        self._ended = self._closed = True
        self._room.set()

    async def _refill(self) -> None:
        """Add the next chunk's batches to those that wait, once there is room, and begin the one after."""
        held_until_ns = 0
        self._update_room()
        if not self._room.is_set():
            await self._room.wait()
            held_until_ns = self._now_ns()
        built = await (self._ahead or self._build())
        if built is None or self._closed:
            self._ended = True
            return
        self._ahead = asyncio.create_task(self._build())
        for partition, shipment in built:
            self._waiting[partition].append(
                replace(shipment, held_until_ns=held_until_ns) if held_until_ns else shipment
            )
            self._waiting_events += shipment.batch.count

    async def _build(self) -> Sequence[Placed] | None:
        return await asyncio.to_thread(next, self._built, None)

    def _update_room(self) -> None:
        if self._closed or self._waiting_events <= self._ahead_events:
            self._room.set()
        else:
            self._room.clear()
