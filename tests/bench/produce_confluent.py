"""confluent-kafka alone, as fast as it goes: its arguments are those of ``main``."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Final

from confluent_kafka import Producer

_CHUNK: Final = 10_000


def main(bootstrap: str, topic: str, payloads: str, events: int, batch_bytes: int) -> None:
    """Send, wait for every answer, and print count and time as JSON."""
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "acks": "all",
            "enable.idempotence": True,
            "compression.type": "snappy",
            "linger.ms": 20,
            "batch.size": batch_bytes,
            "batch.num.messages": 1_000_000,
            "queue.buffering.max.messages": 2_000_000,
            "queue.buffering.max.kbytes": 1_000_000,
        }
    )
    lines = Path(payloads).read_bytes().splitlines()
    chunks = [
        [{"value": line} for line in lines[start : start + _CHUNK]] for start in range(0, len(lines), _CHUNK)
    ]
    producer.list_topics(topic, timeout=10)
    began_s, sent = time.monotonic(), 0
    while sent < events:
        for chunk in chunks:
            wanted = chunk[: events - sent]
            if not wanted:
                break
            sent += _handed_over(producer, topic, wanted)
    left = producer.flush(120)
    print(json.dumps({"events": sent - left, "run_s": time.monotonic() - began_s}))  # noqa: T201


def _handed_over(producer: Producer, topic: str, messages: list[dict[str, bytes]]) -> int:
    """Hand all of them over, again and again where the queue is full."""
    waiting = [dict(message) for message in messages]
    while waiting:
        producer.produce_batch(topic, waiting)
        waiting = [{"value": message["value"]} for message in waiting if "_error" in message]
        producer.poll(0.01 if waiting else 0)
    return len(messages)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
