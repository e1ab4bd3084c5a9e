"""Sends record batches as a supply provides them, those of each partition in order, without looking inside.

Each partition is a lane of its own: its next batch goes to the client once the previous one is under way.
Every batch ends ok, failed or unknown; one that may have been written is never sent again as another.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from aiokafka.errors import CorruptRecordException, KafkaError, KafkaTimeoutError

from harness.history.operations import Outcome
from harness.load.own_lateness import GeneratorMeter
from harness.load.send.record_batches.completion import Completion, outcome_of
from harness.load.send.record_batches.link import Link, SendsRecordBatches
from harness.load.send.record_batches.prepared import PreparedBatch
from harness.load.send.record_batches.schedule import Pace
from harness.load.send.record_batches.supply import Shipment, Supply

_NAP_S: Final = 0.1
"""How soon a stop is noticed."""
_BEAT_S: Final = 0.05
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordBatchesLoad:
    """Where to, and when."""

    topic: str
    pace: Pace
    load_start_ns: int
    end_ns: int | None = None
    """Since the run's epoch; nothing is sent after it."""


@dataclass(slots=True, kw_only=True)
class PartitionLane:
    """How far one partition's batches have come, each behind the one before it."""

    partition: int
    link: Link
    free_ns: int
    """Since when the platform has had room for the next batch: lateness after that is the generator's own."""
    producer: SendsRecordBatches | None = None
    """The one that accepted the last batch; None before the first."""
    answer: asyncio.Future[object] | None = None
    """To the last batch."""
    last: PreparedBatch | None = None

    def note_room(self) -> None:
        """Note when the last batch left the client's queue, and so made room."""
        if self.last is not None:
            self.free_ns = max(self.free_ns, self.last.freed_ns)


class RecordBatchesSender:
    """Sends through several producers, each of which has its share of the partitions."""

    def __init__(
        self,
        load: RecordBatchesLoad,
        supply: Supply,
        links: Sequence[Link],
        *,
        record: Callable[[Completion], None],
        meter: GeneratorMeter,
        now_ns: Callable[[], int],
    ) -> None:
        self._load, self._supply, self._links = load, supply, links
        self._record, self._meter, self._now_ns = record, meter, now_ns
        self._under_way: set[asyncio.Future[object]] = set()
        self._due_ns: dict[int, int] = {}
        """By partition: when the batch was due that it waits to hand over."""
        self._stopping = False

    def behind_ms(self) -> float:
        """How long ago the oldest batch was due that is not with the client yet."""
        return max(0.0, (self._now_ns() - min(self._due_ns.values())) / 1e6) if self._due_ns else 0.0

    def stop(self) -> None:
        """Hand nothing more to the client."""
        self._stopping = True
        self._supply.close()

    async def run(self, *, flush_timeout_s: float, stop_timeout_s: float = 5.0) -> None:
        """Send everything, and wait for the answers; for a shorter time once stopped.

        However it ends, every batch that was handed over has been recorded with its outcome.
        Raises KafkaError when the cluster cannot be reached, and what the supply raises.
        """
        beating = asyncio.create_task(self._beat())
        try:
            async with asyncio.TaskGroup() as lanes:
                for turn, partition in enumerate(self._supply.partitions):
                    link = self._links[turn % len(self._links)]
                    lanes.create_task(self._follow(partition, link))
        except BaseException:
            self.stop()
            raise
        finally:
            self._supply.close()
            await self._settle(flush_timeout_s, stop_timeout_s)
            beating.cancel()

    async def _beat(self) -> None:
        """Note how late the event loop is, even when nothing is due: answers wait for it too."""
        while True:
            wanted_ns = self._now_ns() + round(_BEAT_S * 1e9)
            await asyncio.sleep(_BEAT_S)
            self._meter.woke(wanted_ns, self._now_ns())

    async def _follow(self, partition: int, link: Link) -> None:
        await link.producer()
        lane = PartitionLane(partition=partition, link=link, free_ns=self._load.load_start_ns)
        shipment = await self._supply.next(partition)
        await self._until(self._load.load_start_ns)
        while shipment is not None:
            intended_ns = await self._until_due(shipment, lane)
            if self._stopping or self._is_over():
                self._supply.close()
                return
            if shipment.refusal:
                self._refuse(shipment, partition, intended_ns)
            else:
                await self._hand_over(shipment, lane, intended_ns)
            self._due_ns.pop(partition, None)
            shipment = await self._supply.next(partition)

    async def _until_due(self, shipment: Shipment, lane: PartitionLane) -> int | None:
        """Wait until the last of its events is due. Returns when the first was due; None where nothing is."""
        first_ns = self._load.pace.due_ns(shipment.first_arrival)
        last_ns = self._load.pace.due_ns(shipment.last_arrival)
        if first_ns is None or last_ns is None:
            return None
        due_ns = self._due_ns[lane.partition] = self._load.load_start_ns + last_ns
        await self._until(due_ns)
        lane.note_room()
        lane.free_ns = max(lane.free_ns, shipment.held_until_ns)
        self._meter.handed_over(due_ns, self._now_ns(), blocked_until_ns=lane.free_ns)
        return self._load.load_start_ns + first_ns

    async def _until(self, moment_ns: int) -> None:
        while not self._stopping and (wait_ns := moment_ns - self._now_ns()) > 0:
            await asyncio.sleep(min(wait_ns / 1e9, _NAP_S))

    def _is_over(self) -> bool:
        return self._load.end_ns is not None and self._now_ns() >= self._load.end_ns

    async def _hand_over(self, shipment: Shipment, lane: PartitionLane, intended_ns: int | None) -> None:
        """Give a batch to the client, which accepts a partition's next batch once the last is under way."""
        asked_ns = self._now_ns()
        while not self._stopping:
            producer = await lane.link.producer()
            if not await self._in_turn(lane, producer):
                continue
            if lane.producer not in {None, producer}:
                lane.free_ns = self._now_ns()
            lane.producer = producer
            prepared = PreparedBatch(shipment.batch, shift_ms=shipment.shift_ms, now_ns=self._now_ns)
            try:
                answer = await producer.send_batch(prepared, self._load.topic, partition=lane.partition)
            except KafkaTimeoutError:
                lane.free_ns = self._now_ns()
                continue  # the previous batch is still being retried: this one was not queued
            except KafkaError:
                lane.link.renew(producer)
                continue
            started_ns = self._now_ns()
            lane.note_room()
            self._meter.blocked(asked_ns, max(asked_ns, lane.free_ns))
            lane.last = prepared
            lane.answer = self._watch(answer, shipment, lane, intended_ns, started_ns)
            return

    async def _in_turn(self, lane: PartitionLane, producer: SendsRecordBatches) -> bool:
        """Whether this producer may send now: not while its predecessor still tries the lane's last batch."""
        if lane.answer is None or lane.answer.done() or lane.producer is producer:
            return True
        await asyncio.wait({lane.answer}, timeout=_NAP_S)
        return False

    def _watch(
        self,
        answer: Awaitable[object],
        shipment: Shipment,
        lane: PartitionLane,
        intended_ns: int | None,
        started_ns: int,
    ) -> asyncio.Future[object]:
        future, producer = asyncio.ensure_future(answer), lane.producer
        self._under_way.add(future)

        def settled(done: asyncio.Future[object]) -> None:
            self._under_way.discard(done)
            known = outcome_of(done)
            if producer is not None and not done.cancelled() and done.exception() is not None:
                lane.link.batch_failed(producer)
            if known[1] == CorruptRecordException.__name__:
                place = f"{shipment.source}: the batch of event {shipment.first_number:,}"
                _log.error("%s was refused by kafka as damaged", place)
            self._complete(shipment, lane.partition, intended_ns, started_ns, known)

        future.add_done_callback(settled)
        return future

    def _refuse(self, shipment: Shipment, partition: int, intended_ns: int | None) -> None:
        self._complete(shipment, partition, intended_ns, self._now_ns(), ("fail", shipment.refusal))

    def _complete(
        self,
        shipment: Shipment,
        partition: int,
        intended_ns: int | None,
        started_ns: int,
        known: tuple[Outcome, str],
    ) -> None:
        self._record(
            Completion(
                partition=partition,
                first_number=shipment.first_number,
                count=shipment.batch.count,
                bytes=shipment.batch.size_bytes,
                intended_ns=intended_ns,
                started_ns=started_ns,
                completed_ns=self._now_ns(),
                outcome=known[0],
                error=known[1],
            )
        )

    async def _settle(self, flush_timeout_s: float, stop_timeout_s: float) -> None:
        """Wait for answers; a batch without one by then is cancelled, and so unknown."""
        waited_s = 0.0
        try:
            while self._under_way and waited_s < (stop_timeout_s if self._stopping else flush_timeout_s):
                await asyncio.wait(set(self._under_way), timeout=_NAP_S)
                waited_s += _NAP_S
        finally:
            if late := set(self._under_way):
                for future in late:
                    future.cancel()
                await asyncio.wait(late)
