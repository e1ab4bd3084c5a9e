"""``python -m harness.load.live --config FILE``: a live load. SIGTERM or SIGINT ends it early."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from aiokafka.errors import KafkaError

from harness.load.live.batches import Batching, LiveBatches
from harness.load.live.config import LiveConfig
from harness.load.live.supply import LiveSupply
from harness.load.target import Needs, check_target
from harness.load.wire.drive import Books, drive, until_done, wire_links
from harness.load.wire.link import Link
from harness.load.wire.replay import WireLoad
from pipeline.endpoints import Endpoints


def main(arguments: Sequence[str] | None = None) -> int:
    """Send as the file says; 0 when it came to its end, 1 when the topic could not be reached."""
    parser = argparse.ArgumentParser(prog="python -m harness.load.live", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="a file that LiveConfig.save wrote")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    return until_done(_send(LiveConfig.load(parser.parse_args(arguments).config)))


async def _send(config: LiveConfig) -> None:
    kafka, clocks = Endpoints.load(config.endpoints).kafka, config.clocks
    check_target(kafka, config.topic, Needs(largest_bytes=config.batch_bytes, source="the load"))
    links = wire_links(kafka, worker=config.worker, acks=config.acks, count=config.producers)
    partitions = await _partitions(links[0], config.topic)
    batching = Batching(
        partitions=partitions,
        batch_events=config.batch_events,
        batch_bytes=config.batch_bytes,
        linger_ms=config.linger_ms,
        compression=config.compression,
    )
    batches = LiveBatches(batching, config.pace, origin_ms=clocks.origin_ms)
    built = batches.of(config.source.open().chunks(config.events))
    await drive(
        WireLoad(topic=config.topic, pace=config.pace, load_start_ns=clocks.load_start_ns),
        LiveSupply(built, partitions=partitions, now_ns=clocks.run_clock.now_ns),
        links,
        Books.open(config.history, config.progress, config.worker, clocks, total=config.events),
        flush_timeout_s=config.flush_timeout_s,
        stop_timeout_s=config.stop_timeout_s,
    )


async def _partitions(link: Link, topic: str) -> int:
    """How many the topic has. Raises KafkaError when it is not there or cannot be reached."""
    try:
        return len(await (await link.producer()).partitions_for(topic))
    except KafkaError:
        await link.close()
        raise


if __name__ == "__main__":
    sys.exit(main())
