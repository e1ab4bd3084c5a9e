"""``python -m harness.load.wire --config FILE``: a replay at wire speed. SIGTERM or SIGINT ends it early.

With ``--driven`` the configuration is the first line of standard input, whose end ends the replay early, and
counts go to standard output twice a second: so Locust drives it in a process of its own, since its own
greenlets and the Kafka client's coroutines do not mix.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from harness.history.operations import OperationsWriter
from harness.history.writer import TableWriter
from harness.load.generator import GeneratorMeter
from harness.load.progress import progress_file
from harness.load.tally import Tally
from harness.load.wire.client import wire_producer
from harness.load.wire.config import WireConfig
from harness.load.wire.link import Link
from harness.load.wire.record import WireRecord
from harness.load.wire.replay import WireLoad, WireReplay
from harness.load.wire.trace import EncodedTrace
from pipeline.endpoints import Endpoints, KafkaEndpoint

_SAVE_S: Final = 0.5
_log = logging.getLogger("harness.load.wire")


def main(arguments: Sequence[str] | None = None) -> int:
    """Replay as told; 0 when it came to its end, 1 when the cluster could not be reached."""
    parser = argparse.ArgumentParser(prog="python -m harness.load.wire", description=__doc__)
    told = parser.add_mutually_exclusive_group(required=True)
    told.add_argument("--config", type=Path, help="a file that WireConfig.save wrote")
    told.add_argument("--driven", action="store_true", help="by the process that started this one")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    options = parser.parse_args(arguments)
    if options.driven:
        replay = _driven(WireConfig.model_validate_json(sys.stdin.buffer.readline()))
    else:
        replay = _replay(WireConfig.load(options.config))
    unreachable: list[BaseException] = []
    try:
        asyncio.run(replay)
    except* KafkaError as failed:
        unreachable += failed.exceptions
    for error in unreachable[:1]:
        _log.error("cannot go on: %r", error)
    return 1 if unreachable else 0


async def _driven(config: WireConfig) -> None:
    await _replay(config, tell=_tell, ends=_at_end_of_input)


async def _replay(
    config: WireConfig,
    *,
    tell: Callable[[Tally], None] = lambda _: None,
    ends: Callable[[Callable[[], None]], None] = lambda _: None,
) -> None:
    kafka = Endpoints.load(config.endpoints).kafka
    clocks = config.clocks
    now_ns = clocks.run_clock.now_ns
    config.progress.mkdir(parents=True, exist_ok=True)
    record = WireRecord(
        OperationsWriter(config.history, config.worker, clocks.run_clock),
        progress_file(config.progress, config.worker),
        total=config.total,
        workers=config.share.of,
    )
    meter = GeneratorMeter(TableWriter(config.history, "generator", config.worker), config.worker, now_ns)
    links = [_link(kafka, config, number) for number in range(config.producers)]
    replay = WireReplay(_load(config), links, record=record.add, meter=meter, now_ns=now_ns)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, replay.stop)
    ends(replay.stop)
    saving = asyncio.create_task(_save(record, meter, now_ns, tell))
    try:
        await replay.run(flush_timeout_s=config.flush_timeout_s, stop_timeout_s=config.stop_timeout_s)
    finally:
        saving.cancel()
        meter.close()
        record.close(now_ns())
        tell(record.take_tally())
        for link in links:
            await link.close()


def _load(config: WireConfig) -> WireLoad:
    start_ns = config.clocks.load_start_ns
    return WireLoad(
        trace=EncodedTrace.open(config.trace),
        topic=config.topic,
        events=config.events,
        pace=config.pace,
        load_start_ns=start_ns,
        origin_ms=config.clocks.origin_ms,
        end_ns=None if config.duration_s is None else start_ns + round(config.duration_s * 1e9),
        share=config.share,
    )


def _link(kafka: KafkaEndpoint, config: WireConfig, number: int) -> Link:
    async def connect() -> AIOKafkaProducer:
        producer = wire_producer(kafka, name=f"{config.worker}-{number}", acks=config.acks)
        await producer.start()
        return producer

    return Link(connect)


async def _save(
    record: WireRecord, meter: GeneratorMeter, now_ns: Callable[[], int], tell: Callable[[Tally], None]
) -> None:
    while True:
        record.save("sending", now_ns())
        meter.sample_if_due()
        tell(record.take_tally())
        await asyncio.sleep(_SAVE_S)


def _tell(tally: Tally) -> None:
    """To whoever drives this process; it ends when nobody does."""
    with suppress(BrokenPipeError):
        os.write(sys.stdout.fileno(), tally.dump())


def _at_end_of_input(stop: Callable[[], None]) -> None:
    loop, file = asyncio.get_running_loop(), sys.stdin.fileno()

    def readable() -> None:
        if not os.read(file, 4096):
            loop.remove_reader(file)
            stop()

    loop.add_reader(file, readable)


if __name__ == "__main__":
    sys.exit(main())
