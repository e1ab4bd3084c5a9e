"""``python -m pipeline.hot``: one hot writer process. SIGTERM ends it after its last write and commit."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from confluent_kafka import Consumer

from pipeline.base.cassandra import connect
from pipeline.base.endpoints import Endpoints
from pipeline.base.errors import PipelineError
from pipeline.base.options import PipelineOptions
from pipeline.contract.derive import event_contract
from pipeline.hot.rows import BatchLimits, Rows
from pipeline.hot.store import HotStore
from pipeline.hot.write_log import WriteLog
from pipeline.hot.writer import HotWriter, consumer_config

_log = logging.getLogger("pipeline.hot")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a hot writer until SIGTERM or SIGINT; return 0, or 1 if it cannot continue."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.hot", description=__doc__)
    parser.add_argument("--endpoints", type=Path, required=True, help="what Endpoints.save wrote")
    parser.add_argument("--options", type=Path, required=True, help="what PipelineOptions.save wrote")
    parser.add_argument("--index", type=int, required=True, help="the number of this writer, from 1")
    parser.add_argument("--metrics", type=Path, required=True, help="file that gets one JSON line per write")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("cassandra").setLevel(logging.WARNING)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        _run(
            Endpoints.load(given.endpoints),
            PipelineOptions.load(given.options),
            index=given.index,
            metrics=given.metrics,
            stop=stop,
        )
    except PipelineError:
        _log.exception("cannot go on")
        return 1
    _log.info("everything polled is written")
    return 0


def _run(
    endpoints: Endpoints, options: PipelineOptions, *, index: int, metrics: Path, stop: threading.Event
) -> None:
    contract = event_contract()
    config = consumer_config(endpoints.kafka, index=index)
    with WriteLog(metrics) as log, connect(endpoints.cassandra) as session:
        store = HotStore(session, contract, log, stopping=stop.is_set)
        rows = Rows(contract, BatchLimits())
        writer = HotWriter(lambda: Consumer(config), store, rows, log, options.hot)
        _log.info("hot writer %d is ready", index)
        writer.run(stop.is_set)


if __name__ == "__main__":
    sys.exit(main())
