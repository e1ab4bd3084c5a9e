"""One hot writer as a process: ``python -m pipeline.hot --help``."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from pipeline.cassandra import connect
from pipeline.endpoints import Endpoints
from pipeline.errors import PipelineError
from pipeline.hot.metrics import Metrics
from pipeline.hot.rows import targets
from pipeline.hot.store import HotStore
from pipeline.hot.writer import HOT_GROUP, HotWriter, consumer
from pipeline.options import PipelineOptions


def main() -> int:
    """Write until SIGTERM or SIGINT, then finish what was read."""
    parser = argparse.ArgumentParser(description="Write valid events and window results to the hot store.")
    parser.add_argument("--endpoints", type=Path, required=True, help="what Endpoints.save wrote")
    parser.add_argument("--options", type=Path, required=True, help="what PipelineOptions.save wrote")
    parser.add_argument("--index", type=int, required=True, help="this writer's number, from 1")
    parser.add_argument("--metrics", type=Path, help="a JSON line a batch is appended to this file")
    arguments = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    endpoints = Endpoints.load(arguments.endpoints)
    by_topic = dict(targets())
    try:
        with connect(endpoints.cassandra) as session:
            writer = HotWriter(
                consumer(endpoints.kafka, group=HOT_GROUP, number=arguments.index),
                HotStore(session, by_topic),
                Metrics(arguments.metrics),
                by_topic,
                PipelineOptions.load(arguments.options).hot,
            )
            writer.run(stop.is_set)
    except PipelineError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
