"""aiokafka alone, as fast as it goes: its arguments are those of ``main``."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Final

from aiokafka import AIOKafkaProducer

_PRODUCERS: Final = 2
"""As many connections to a broker as our own load has."""


async def main(bootstrap: str, topic: str, payloads: str, events: int, batch_bytes: int) -> None:
    """Send, wait for every answer, and print count and time as JSON."""
    lines = Path(payloads).read_bytes().splitlines()
    producers = [
        AIOKafkaProducer(
            bootstrap_servers=bootstrap,
            acks="all",
            enable_idempotence=True,
            compression_type="snappy",
            max_batch_size=batch_bytes,
            max_request_size=32 * 2**20,
        )
        for _ in range(_PRODUCERS)
    ]
    for producer in producers:
        await producer.start()
    partitions = sorted(await producers[0].partitions_for(topic))
    began_s = time.monotonic()
    payload = islice(cycle(lines), events)
    acknowledged = await asyncio.gather(
        *(
            _send(producers[n % _PRODUCERS], topic, partition, payload)
            for n, partition in enumerate(partitions)
        )
    )
    run_s = time.monotonic() - began_s
    for producer in producers:
        await producer.stop()
    print(json.dumps({"events": sum(acknowledged), "run_s": run_s}))  # noqa: T201


async def _send(producer: AIOKafkaProducer, topic: str, partition: int, payload: Iterator[bytes]) -> int:
    """Fill batches from what all partitions share, until nothing is left; how many were acknowledged."""
    under_way, count = [], 0
    waiting = next(payload, None)
    while waiting is not None:
        batch = producer.create_batch()
        while waiting is not None and batch.append(key=None, value=waiting, timestamp=None) is not None:
            waiting = next(payload, None)
        count += batch.record_count()
        under_way.append(await producer.send_batch(batch, topic, partition=partition))
    await asyncio.gather(*under_way)
    return count


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])))
