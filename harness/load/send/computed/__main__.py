"""``python -m harness.load.send.computed``: events that are computed as they are sent."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from aiokafka.errors import KafkaError

from harness.history.writer import TableWriter
from harness.load.send.computed.batches import Batching, ComputedBatches
from harness.load.send.computed.config import ComputedConfig
from harness.load.send.computed.indexed import indexed
from harness.load.send.computed.supply import ComputedSupply
from harness.load.send.record_batches.drive import links_to
from harness.load.send.record_batches.link import Link
from harness.load.send.record_batches.process import Driver, run_process, send_all
from harness.load.target import Needs, check_target
from pipeline.base.endpoints import Endpoints


def main(arguments: Sequence[str] | None = None) -> int:
    """Send as configured. Returns 0 when it ran to its end, 1 when it was refused or the cluster was lost."""
    return run_process(arguments, name="harness.load.send.computed", config=ComputedConfig, send=_send)


async def _send(config: ComputedConfig, driver: Driver) -> None:
    kafka = Endpoints.load(config.endpoints).kafka
    check_target(kafka, config.topic, Needs(largest_bytes=config.batch_bytes, source="the load"))
    links = links_to(kafka, worker=config.worker, acks=config.acks, count=config.producers)
    supply = _supply(config, partitions=await _partitions(links[0], config.topic))
    await send_all(config, supply, links, driver)


def _supply(config: ComputedConfig, *, partitions: int) -> ComputedSupply:
    batching = Batching(
        partitions=partitions,
        batch_events=config.batch_events,
        batch_bytes=config.batch_bytes,
        linger_ms=config.linger_ms,
        compression=config.compression,
    )
    batches = ComputedBatches(batching, config.pace, origin_ms=config.clocks.origin_ms, share=config.share)
    source = config.source.open(config.events, config.schedule)
    return ComputedSupply(
        indexed(
            batches.of(source.chunks(config.events)), TableWriter(config.history, "encoded", config.worker)
        ),
        partitions=[p for p in range(partitions) if config.share.holds_partition(p)],
        now_ns=config.clocks.run_clock.now_ns,
    )


async def _partitions(link: Link, topic: str) -> int:
    """How many the topic has. Raises KafkaError when it does not exist or cannot be reached."""
    try:
        return len(await (await link.producer()).partitions_for(topic))
    except KafkaError:
        await link.close()
        raise


if __name__ == "__main__":
    sys.exit(main())
