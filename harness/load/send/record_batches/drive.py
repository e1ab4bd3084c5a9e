"""One process's load at wire speed, from its first batch to its last record."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Self

from aiokafka.errors import KafkaError

from harness.base.clocks import Clocks
from harness.base.errors import FloodmarkError
from harness.history.operations import OperationsWriter
from harness.history.progress import progress_file
from harness.history.writer import TableWriter
from harness.load.own_lateness import GeneratorMeter
from harness.load.send.record_batches.client import WireProducer, wire_producer
from harness.load.send.record_batches.link import Link
from harness.load.send.record_batches.record import WireRecord
from harness.load.send.record_batches.replay import WireLoad, WireReplay
from harness.load.send.record_batches.supply import Supply
from harness.load.tally import Tally
from pipeline.endpoints import KafkaEndpoint

_SAVE_S: Final = 0.5
_log = logging.getLogger("harness.load.send.record_batches")


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What the process writes down, and by which clock."""

    record: WireRecord
    meter: GeneratorMeter
    now_ns: Callable[[], int]

    @classmethod
    def open(
        cls, history: Path, progress: Path, worker: str, clocks: Clocks, *, total: int, workers: int = 1
    ) -> Self:
        """Those of ``worker``. Raises OSError."""
        progress.mkdir(parents=True, exist_ok=True)
        now_ns = clocks.run_clock.now_ns
        operations = OperationsWriter(history, worker, clocks.run_clock)
        own = progress_file(progress, worker)
        return cls(
            record=WireRecord(operations, own, total=total, workers=workers),
            meter=GeneratorMeter(TableWriter(history, "generator", worker), worker, now_ns),
            now_ns=now_ns,
        )

    def save(self, *, behind_ms: float) -> Tally:
        """Write what waits; what was counted since the last call."""
        self.record.save("sending", self.now_ns(), behind_ms=behind_ms)
        self.meter.sample_if_due()
        return self.record.take_tally()

    def close(self, *, complete: bool) -> Tally:
        """Write everything; what was counted since the last call. ``complete``: the load came to its end."""
        self.meter.close()
        self.record.close("done" if complete else "failed", self.now_ns())
        return self.record.take_tally()


def until_done(sending: Coroutine[None, None, None]) -> int:
    """Run it; 0 when it came to its end, 1 when it was refused or the cluster could not be reached."""
    reasons: list[str] = []
    try:
        asyncio.run(sending)
    except* KafkaError as failed:
        reasons += [f"cannot go on: {error!r}" for error in failed.exceptions]
    except* FloodmarkError as refused:
        reasons += [f"cannot begin: {error}" for error in refused.exceptions]
    for reason in reasons[:1]:
        _log.error("%s", reason)
    return 1 if reasons else 0


async def drive(
    load: WireLoad,
    supply: Supply,
    links: Sequence[Link],
    books: Books,
    *,
    flush_timeout_s: float,
    stop_timeout_s: float,
    tell: Callable[[Tally], None] = lambda _: None,
    ends: Callable[[Callable[[], None]], None] = lambda _: None,
) -> None:
    """Send everything, write it down and let go of the links.

    SIGTERM or SIGINT ends it early, and so may whoever ``ends`` gives the means to.
    Raises KafkaError when the cluster cannot be reached.
    """
    replay = WireReplay(load, supply, links, record=books.record.add, meter=books.meter, now_ns=books.now_ns)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, replay.stop)
    ends(replay.stop)
    saving = asyncio.create_task(_save(books, replay, tell))
    complete = False
    try:
        await replay.run(flush_timeout_s=flush_timeout_s, stop_timeout_s=stop_timeout_s)
        complete = True
    finally:
        saving.cancel()
        tell(books.close(complete=complete))
        for link in links:
            await link.close()


def wire_links(kafka: KafkaEndpoint, *, worker: str, acks: Literal["all", "1"], count: int) -> Sequence[Link]:
    """So many, each with a producer of its own once it is asked for."""
    return [_link(kafka, f"{worker}-{number}", acks) for number in range(count)]


def _link(kafka: KafkaEndpoint, name: str, acks: Literal["all", "1"]) -> Link:
    async def connect() -> WireProducer:
        producer = wire_producer(kafka, name=name, acks=acks)
        try:
            await producer.start()
        except KafkaError:
            await producer.stop()
            raise
        return producer

    return Link(connect, idempotent=acks == "all")


async def _save(books: Books, replay: WireReplay, tell: Callable[[Tally], None]) -> None:
    while True:
        tell(books.save(behind_ms=replay.behind_ms()))
        await asyncio.sleep(_SAVE_S)
