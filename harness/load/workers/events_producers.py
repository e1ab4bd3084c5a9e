"""The Kafka producers of the path events: their settings, and a sender assembled around them."""

from __future__ import annotations

from typing import Final

from confluent_kafka import KafkaException, Producer

from harness.history.operations import OperationsWriter
from harness.history.progress import progress_file
from harness.history.writer import TableWriter
from harness.load.own_lateness import GeneratorMeter
from harness.load.send.events.feed import PlanFeed
from harness.load.send.events.producer_lane import ProducerLane
from harness.load.send.events.record import EventsRecord
from harness.load.send.events.sender import EventsSender
from harness.load.target import Needs, check_target
from harness.load.workers.config import LoadConfig
from harness.load.workers.roster import Assignment
from harness.load.workers.source import EventsSource
from pipeline.base.endpoints import Endpoints
from pipeline.base.kafka_access import client_config

_QUEUE_EVENTS: Final = 500_000
_QUEUE_KIB: Final = 512 * 1024
_METADATA_TIMEOUT_S: Final = 10.0


def producer_settings(
    config: LoadConfig, endpoints: Endpoints, name: str
) -> dict[str, str | int | float | bool]:
    """Settings for an open loop: everything is accepted at once and retried in order until the time-out.

    With acks=all the producer is idempotent: a retry neither repeats events nor changes their order. With
    acks=1 it cannot be: one request at a time keeps the order, and a retry may repeat events.
    """
    settings: dict[str, str | int | float | bool] = {
        **client_config(endpoints.kafka),
        "client.id": name,
        "acks": config.acks,
        "partitioner": "murmur2_random",
        "linger.ms": config.linger_ms,
        "compression.type": config.compression,
        "batch.size": 256 * 1024,
        "queue.buffering.max.messages": _QUEUE_EVENTS,
        "queue.buffering.max.kbytes": _QUEUE_KIB,
        "delivery.timeout.ms": round(config.delivery_timeout_s * 1000),
        # Seconds would be lost between a broker's return and the first attempt to reach it.
        "reconnect.backoff.max.ms": 1000,
        "topic.metadata.refresh.interval.ms": 10_000,
        "enable.idempotence": config.acks == "all",
    }
    if config.acks != "all":
        settings["max.in.flight.requests.per.connection"] = 1
    return settings


def events_sender(config: LoadConfig, source: EventsSource, assignment: Assignment) -> EventsSender:
    """A sender for a share of the plan, ready to send: its producers know the topic.

    Raises OSError, ValueError or ArrowException when a file cannot be read, and PlatformError or
    KafkaException when the topic cannot be reached or does not accept the plan's events.
    """
    share, endpoints = assignment.share, Endpoints.load(config.endpoints)
    check_target(
        endpoints.kafka, config.topic, Needs(largest_bytes=source.largest_event_bytes, source="the plan")
    )
    settings = producer_settings(config, endpoints, share.worker)
    clock = config.clocks.run_clock

    def make_producer() -> Producer:
        return Producer(settings)

    producers = [_connected(make_producer(), config.topic) for _ in range(config.users)]
    lanes = [ProducerLane(config.topic, producer, make_producer, clock.now_ns) for producer in producers]
    feed = PlanFeed(source.plan, assignment.clocks(config.clocks).event_clock, share)
    return EventsSender(
        feed=feed,
        lanes=lanes,
        record=EventsRecord(
            OperationsWriter(config.history, share.worker, clock),
            progress_file(config.progress, share.worker),
            total=feed.total,
            workers=share.of,
        ),
        meter=GeneratorMeter(
            TableWriter(config.history, "generator", share.worker), share.worker, clock.now_ns
        ),
        now_ns=clock.now_ns,
        share=share,
    )


def _connected(producer: Producer, topic: str) -> Producer:
    """Fetch the topic's metadata now, so that the first events do not wait for it."""
    found = producer.list_topics(topic, timeout=_METADATA_TIMEOUT_S).topics[topic]
    if found.error is not None:
        raise KafkaException(found.error)
    return producer
