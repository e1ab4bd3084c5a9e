"""``python -m harness.load.wire --config FILE``: a replay at wire speed. SIGTERM or SIGINT ends it early."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from harness.history.operations import OperationsWriter
from harness.load.wire.client import wire_producer
from harness.load.wire.config import WireConfig
from harness.load.wire.record import WireRecord
from harness.load.wire.replay import Link, WireLoad, WireReplay
from harness.load.wire.trace import EncodedTrace
from pipeline.endpoints import Endpoints, KafkaEndpoint

_SAVE_S: Final = 0.5
_log = logging.getLogger("harness.load.wire")


def main(arguments: Sequence[str] | None = None) -> int:
    """Replay as the file says; 0 when it came to its end, 1 when the cluster could not be reached."""
    parser = argparse.ArgumentParser(prog="python -m harness.load.wire", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="a file that WireConfig.save wrote")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    config = WireConfig.load(parser.parse_args(arguments).config)
    unreachable: list[BaseException] = []
    try:
        asyncio.run(_replay(config))
    except* KafkaError as failed:
        unreachable += failed.exceptions
    for error in unreachable[:1]:
        _log.error("cannot go on: %r", error)
    return 1 if unreachable else 0


async def _replay(config: WireConfig) -> None:
    kafka = Endpoints.load(config.endpoints).kafka
    clocks = config.clocks
    now_ns = clocks.run_clock.now_ns
    record = WireRecord(
        OperationsWriter(config.history, config.worker, clocks.run_clock),
        config.progress,
        total=config.events,
    )
    load = WireLoad(
        trace=EncodedTrace.open(config.trace),
        topic=config.topic,
        events=config.events,
        pace=config.pace,
        load_start_ns=clocks.load_start_ns,
        origin_ms=clocks.origin_ms,
    )
    links = [_link(kafka, config, number) for number in range(config.producers)]
    replay = WireReplay(load, links, record=record.add, now_ns=now_ns)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, replay.stop)
    saving = asyncio.create_task(_save(record, config))
    try:
        await replay.run(flush_timeout_s=config.flush_timeout_s)
    finally:
        saving.cancel()
        record.close(now_ns())
        for link in links:
            await link.close()


def _link(kafka: KafkaEndpoint, config: WireConfig, number: int) -> Link:
    async def connect() -> AIOKafkaProducer:
        producer = wire_producer(kafka, name=f"{config.worker}-{number}", acks=config.acks)
        await producer.start()
        return producer

    return Link(connect)


async def _save(record: WireRecord, config: WireConfig) -> None:
    while True:
        record.save("sending", config.clocks.run_clock.now_ns())
        await asyncio.sleep(_SAVE_S)


if __name__ == "__main__":
    sys.exit(main())
