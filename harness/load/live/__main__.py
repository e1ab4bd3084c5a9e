"""``python -m harness.load.live --config FILE``: a live load. SIGTERM or SIGINT ends it early."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from confluent_kafka import KafkaException, Producer

from harness.history.operations import OperationsWriter
from harness.history.writer import TableWriter
from harness.load.generator import GeneratorMeter
from harness.load.live.config import LiveConfig
from harness.load.live.send import LiveLoad, LiveSender
from harness.load.progress import progress_file
from harness.load.replay_kafka import producer_settings
from harness.load.wire.record import WireRecord
from pipeline.endpoints import Endpoints

_SAVE_NS: Final = 500_000_000
_METADATA_TIMEOUT_S: Final = 10.0
_BATCH_BYTES: Final = 1_000_000
"""About what a broker takes; the larger, the fewer requests."""
_BATCH_EVENTS: Final = 1_000_000
_log = logging.getLogger("harness.load.live")


def main(arguments: Sequence[str] | None = None) -> int:
    """Send as the file says; 0 when it came to its end, 1 when the topic could not be reached."""
    parser = argparse.ArgumentParser(prog="python -m harness.load.live", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="a file that LiveConfig.save wrote")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    config = LiveConfig.load(parser.parse_args(arguments).config)
    try:
        _send(config)
    except KafkaException as error:
        _log.error("cannot go on: %s", error.args[0])
        return 1
    return 0


def _send(config: LiveConfig) -> None:
    settings = {
        **producer_settings(config, Endpoints.load(config.endpoints), config.worker),
        "batch.size": _BATCH_BYTES,
        "batch.num.messages": _BATCH_EVENTS,
    }
    now_ns = config.clocks.run_clock.now_ns
    load = LiveLoad(
        source=config.source.open(),
        topic=config.topic,
        partitions=_partitions(Producer(settings), config.topic),
        events=config.events,
        pace=config.pace,
        load_start_ns=config.clocks.load_start_ns,
        origin_ms=config.clocks.origin_ms,
        flight_events=config.flight_events,
    )
    writer = OperationsWriter(config.history, config.worker, config.clocks.run_clock)
    config.progress.mkdir(parents=True, exist_ok=True)
    progress = progress_file(config.progress, config.worker)
    record = WireRecord(writer, progress, total=config.events)
    meter = GeneratorMeter(TableWriter(config.history, "generator", config.worker), config.worker, now_ns)

    def save(at_ns: int) -> None:
        record.save("sending", at_ns)
        meter.sample_if_due()

    sender = LiveSender(
        load,
        lambda: Producer(settings),
        record=record.add,
        meter=meter,
        now_ns=now_ns,
        tick=_twice_a_second(save, now_ns),
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sender.stop())
    try:
        sender.run(flush_timeout_s=config.flush_timeout_s)
    finally:
        meter.close()
        record.close(now_ns())


def _partitions(producer: Producer, topic: str) -> int:
    """How many the topic has. Raises KafkaException when it is not there or cannot be reached."""
    found = producer.list_topics(topic, timeout=_METADATA_TIMEOUT_S).topics[topic]
    if found.error is not None:
        raise KafkaException(found.error)
    return len(found.partitions)


def _twice_a_second(save: Callable[[int], None], now_ns: Callable[[], int]) -> Callable[[], None]:
    next_ns = now_ns()

    def tick() -> None:
        nonlocal next_ns
        at_ns = now_ns()
        if at_ns >= next_ns:
            next_ns = at_ns + _SAVE_NS
            save(at_ns)

    return tick


if __name__ == "__main__":
    sys.exit(main())
