"""Sends an encoded trace, over and over, each partition's batches in their order, without looking inside.

A partition is a lane of its own: its next batch goes to the client once the one before it is under way. Every
batch ends ok, failed or unknown; one that may have been written is never sent as another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final, Literal

from aiokafka.errors import KafkaError, KafkaTimeoutError

from harness.load.generator import GeneratorMeter
from harness.load.share import WHOLE, Share
from harness.load.wire.link import Link
from harness.load.wire.outcome import outcome_of
from harness.load.wire.pace import Pace
from harness.load.wire.prepared import PreparedBatch
from harness.load.wire.trace import EncodedTrace, PlacedBatch

_NAP_S: Final = 0.1
"""So soon a stop is noticed."""
_BEAT_S: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """How one send of a batch ended. Times are nanoseconds since the run's epoch."""

    partition: int
    first_number: int
    """Of its first event in the replay, in which the trace comes again and again."""
    count: int
    bytes: int
    """Over the wire."""
    intended_ns: int
    started_ns: int
    completed_ns: int
    outcome: Literal["ok", "fail", "unknown"]
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WireLoad:
    """What is sent, where and when."""

    trace: EncodedTrace
    topic: str
    events: int
    """At least so many; the batch that holds the last of them is sent whole."""
    pace: Pace
    load_start_ns: int
    origin_ms: int
    """Event time of the trace's first moment, in milliseconds since 1970. Repetitions follow it."""
    end_ns: int | None = None
    """Since the run's epoch; nothing is sent after it."""
    share: Share = WHOLE

    @property
    def period_ms(self) -> int:
        """From one repetition to the next in event time, so that no identity comes twice."""
        return self.trace.facts.span_ms + 1


class WireReplay:
    """One replay through some producers, each with its share of the partitions."""

    def __init__(
        self,
        load: WireLoad,
        links: Sequence[Link],
        *,
        record: Callable[[Completion], None],
        meter: GeneratorMeter,
        now_ns: Callable[[], int],
    ) -> None:
        self._load, self._links, self._record, self._now_ns = load, links, record, now_ns
        self._meter = meter
        self._under_way: set[asyncio.Future[object]] = set()
        self._stopping = False

    def stop(self) -> None:
        """Hand nothing more to the client."""
        self._stopping = True

    async def run(self, *, flush_timeout_s: float, stop_timeout_s: float = 5.0) -> None:
        """Send everything, and wait for the answers; for less time once it is to stop.

        Raises KafkaError when the cluster cannot be reached.
        """
        beating = asyncio.create_task(self._beat())
        try:
            async with asyncio.TaskGroup() as lanes:
                for turn, partition in enumerate(self._own_partitions()):
                    link = self._links[turn % len(self._links)]
                    lanes.create_task(self._follow(self._load.trace.lanes[partition], link))
            await self._settle(flush_timeout_s, stop_timeout_s)
        finally:
            beating.cancel()

    async def _beat(self) -> None:
        """Note how late the event loop is, whether or not anything is due: answers wait for it as well."""
        while True:
            wanted_ns = self._now_ns() + round(_BEAT_S * 1e9)
            await asyncio.sleep(_BEAT_S)
            self._meter.woke(wanted_ns, self._now_ns())

    def _own_partitions(self) -> Sequence[int]:
        return [p for p in range(len(self._load.trace.lanes)) if self._load.share.holds_partition(p)]

    async def _follow(self, lane: Sequence[PlacedBatch], link: Link) -> None:
        await link.producer()
        await self._until(self._load.load_start_ns)
        blocked_until_ns = self._now_ns()
        for repetition in count() if lane else ():
            first = repetition * self._load.trace.facts.events
            for placed in lane:
                number = first + placed.first_event
                if number >= self._load.events:
                    return
                intended_ns = await self._until_due(number, placed, blocked_until_ns)
                if self._stopping or self._is_over():
                    return
                shift_ms = self._load.origin_ms + repetition * self._load.period_ms
                await self._hand_over(placed, number, shift_ms, intended_ns, link)
                blocked_until_ns = self._now_ns()

    async def _until_due(self, number: int, placed: PlacedBatch, blocked_until_ns: int) -> int | None:
        """Wait for the last of its events. When the first was due; None where nothing is.

        Until ``blocked_until_ns`` the client had not taken the batch before it.
        """
        first_ns = self._load.pace.due_ns(number)
        last_ns = self._load.pace.due_ns(number + placed.batch.count - 1)
        if first_ns is None or last_ns is None:
            return None
        due_ns = self._load.load_start_ns + last_ns
        await self._until(due_ns)
        self._meter.handed_over(due_ns, self._now_ns(), blocked_until_ns=blocked_until_ns)
        return self._load.load_start_ns + first_ns

    async def _until(self, moment_ns: int) -> None:
        while not self._stopping and (wait_ns := moment_ns - self._now_ns()) > 0:
            await asyncio.sleep(min(wait_ns / 1e9, _NAP_S))

    def _is_over(self) -> bool:
        return self._load.end_ns is not None and self._now_ns() >= self._load.end_ns

    async def _hand_over(
        self, placed: PlacedBatch, number: int, shift_ms: int, intended_ns: int | None, link: Link
    ) -> None:
        """Give a batch to the client, which takes the next of a partition when the last is under way."""
        asked_ns = self._now_ns()
        while not self._stopping:
            producer = await link.producer()
            prepared = PreparedBatch(placed.batch, shift_ms=shift_ms)
            try:
                answer = await producer.send_batch(prepared, self._load.topic, partition=placed.partition)
            except KafkaTimeoutError:
                continue  # the one before it is still being tried: this one was not queued
            except KafkaError:
                await link.renew(producer)
                continue
            started_ns = self._now_ns()
            self._meter.blocked(asked_ns, started_ns)
            due_ns = started_ns if intended_ns is None else intended_ns
            self._watch(answer, placed, number, due_ns, started_ns)
            return

    def _watch(
        self, answer: Awaitable[object], placed: PlacedBatch, number: int, intended_ns: int, started_ns: int
    ) -> None:
        future = asyncio.ensure_future(answer)
        self._under_way.add(future)

        def settled(done: asyncio.Future[object]) -> None:
            self._under_way.discard(done)
            outcome, error = outcome_of(done)
            self._record(
                Completion(
                    partition=placed.partition,
                    first_number=number,
                    count=placed.batch.count,
                    bytes=placed.batch.size_bytes,
                    intended_ns=intended_ns,
                    started_ns=started_ns,
                    completed_ns=self._now_ns(),
                    outcome=outcome,
                    error=error,
                )
            )

        future.add_done_callback(settled)

    async def _settle(self, flush_timeout_s: float, stop_timeout_s: float) -> None:
        """What has no answer by then is cancelled, and so unknown."""
        waited_s = 0.0
        while self._under_way and waited_s < (stop_timeout_s if self._stopping else flush_timeout_s):
            await asyncio.wait(set(self._under_way), timeout=_NAP_S)
            waited_s += _NAP_S
        if late := set(self._under_way):
            for future in late:
                future.cancel()
            await asyncio.wait(late)
