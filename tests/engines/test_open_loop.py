"""Why latency counts from the intended moment: a broker pauses for seconds, and only an open loop tells."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from confluent_kafka import Producer

from harness.backends.protocol import Platform
from harness.base.waiting import wait_until
from harness.judge.checks.speed.operations import ProduceLatency
from harness.judge.measure.measurement import Distribution
from pipeline.base.endpoints import KafkaEndpoint
from tests.core.events_parts import plan_row
from tests.core.histories import history
from tests.engines.kafka_platform import configure, load_of, make_topic, one_broker, platform_of

RATE_PER_S = 1000
EVENTS = 12 * RATE_PER_S
PAUSE_S = 5
CLOSED_EVENTS = 3000
"""Of which one meets the pause: fewer than one in a thousand."""


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with platform_of(tmp_path_factory.mktemp("platform"), kafka=one_broker()) as running:
        yield running


@contextmanager
def closed_loop(kafka: KafkaEndpoint, topic: str) -> Iterator[list[float]]:
    """A client that sends an event once the one before is acknowledged; how long each took, in seconds."""
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "acks": "all", "linger.ms": 0})
    took_s: list[float] = []
    over = threading.Event()

    def send() -> None:
        while not over.is_set():
            began_s = time.monotonic()
            producer.produce(topic, b"x" * 230)
            producer.flush()
            took_s.append(time.monotonic() - began_s)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield took_s
    finally:
        over.set()
        thread.join()


def test_a_pause_shows_as_seconds_in_an_open_loop_and_is_hidden_by_a_closed_one(
    platform: Platform, tmp_path: Path
) -> None:
    kafka = platform.endpoints.kafka
    rows = [plan_row(seq, send_offset_ms=seq * 1000 // RATE_PER_S) for seq in range(EVENTS)]
    config = configure(tmp_path, platform, rows, make_topic(kafka, "open"))
    with closed_loop(kafka, make_topic(kafka, "closed")) as closed_s, load_of(config) as load:
        load.wait_until_sent(3 * RATE_PER_S)
        platform.signal("kafka-broker-1", "pause")
        paused_at = load.progress()
        assert paused_at is not None
        # It goes on sending although nothing is acknowledged: that is what makes it an open loop.
        load.wait_until_sent(paused_at.sent + PAUSE_S * RATE_PER_S)
        platform.signal("kafka-broker-1", "resume")
        assert load.wait() == 0, load.log()
        wait_until(lambda: len(closed_s) >= CLOSED_EVENTS, timeout_s=60, what="the closed loop's events")
    opened = ProduceLatency().measure(history(operations=load.operations()))
    assert isinstance(opened, Distribution)
    assert opened.percentile(99.9) > 1000 * (PAUSE_S - 1)
    assert max(closed_s) > PAUSE_S - 1
    assert float(np.percentile(closed_s, 99.9, method="inverted_cdf")) < 1.0
