"""One process's sending of record batches, from its first batch to its last row."""

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
from harness.load.send.record_batches.link import Link, SendsRecordBatches
from harness.load.send.record_batches.producer import record_batches_producer
from harness.load.send.record_batches.record import RecordBatchesRecord
from harness.load.send.record_batches.sender import RecordBatchesLoad, RecordBatchesSender
from harness.load.send.record_batches.supply import Supply
from harness.load.tally import Tally
from pipeline.base.endpoints import KafkaEndpoint

_SAVE_S: Final = 0.5
_log = logging.getLogger("harness.load.send.record_batches")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorder:
    """What the process records, and by which clock."""

    record: RecordBatchesRecord
    meter: GeneratorMeter
    now_ns: Callable[[], int]

    @classmethod
    def open(
        cls, history: Path, progress: Path, worker: str, clocks: Clocks, *, total: int, workers: int = 1
    ) -> Self:
        """The recorder of ``worker``. Raises OSError."""
        progress.mkdir(parents=True, exist_ok=True)
        now_ns = clocks.run_clock.now_ns
        operations = OperationsWriter(history, worker, clocks.run_clock)
        own = progress_file(progress, worker)
        return cls(
            record=RecordBatchesRecord(operations, own, total=total, workers=workers),
            meter=GeneratorMeter(TableWriter(history, "generator", worker), worker, now_ns),
            now_ns=now_ns,
        )

    def save(self, *, behind_ms: float) -> Tally:
        """Write the rows that are due. Returns the counts since the last call."""
        self.record.save("sending", self.now_ns(), behind_ms=behind_ms)
        self.meter.sample_if_due()
        return self.record.take_tally()

    def close(self, *, complete: bool) -> Tally:
        """Write everything. Returns the counts since the last call. ``complete``: the load ran to its end."""
        self.meter.close()
        self.record.close()
        self.record.save("done" if complete else "failed", self.now_ns())
        return self.record.take_tally()


def until_done(sending: Coroutine[None, None, None]) -> int:
    """Run it. Returns 0 when it ran to its end, 1 when it was refused or the cluster could not be reached."""
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
    load: RecordBatchesLoad,
    supply: Supply,
    links: Sequence[Link],
    recorder: Recorder,
    *,
    flush_timeout_s: float,
    stop_timeout_s: float,
    report: Callable[[Tally], None] = lambda _: None,
    on_stop: Callable[[Callable[[], None]], None] = lambda _: None,
) -> None:
    """Send everything, record it and close the links.

    SIGTERM or SIGINT stops it early, and so does the function that is passed to ``on_stop``.
    Raises KafkaError when the cluster cannot be reached.
    """
    sender = RecordBatchesSender(
        load, supply, links, record=recorder.record.add, meter=recorder.meter, now_ns=recorder.now_ns
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, sender.stop)
    on_stop(sender.stop)
    saving = asyncio.create_task(_save(recorder, sender, report))
    complete = False
    try:
        await sender.run(flush_timeout_s=flush_timeout_s, stop_timeout_s=stop_timeout_s)
        complete = True
    finally:
        saving.cancel()
        report(recorder.close(complete=complete))
        for link in links:
            await link.close()


def links_to(kafka: KafkaEndpoint, *, worker: str, acks: Literal["all", "1"], count: int) -> Sequence[Link]:
    """``count`` links, each of which makes a producer of its own when it is first needed."""
    return [_link(kafka, f"{worker}-{number}", acks) for number in range(count)]


def _link(kafka: KafkaEndpoint, name: str, acks: Literal["all", "1"]) -> Link:
    async def connect() -> SendsRecordBatches:
        producer = record_batches_producer(kafka, name=name, acks=acks)
        try:
            await producer.start()
        except KafkaError:
            await producer.stop()
            raise
        return producer

    return Link(connect, idempotent=acks == "all")


async def _save(recorder: Recorder, sender: RecordBatchesSender, report: Callable[[Tally], None]) -> None:
    while True:
        report(recorder.save(behind_ms=sender.behind_ms()))
        await asyncio.sleep(_SAVE_S)
