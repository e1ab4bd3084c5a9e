"""``python -m harness.load.send.record_batches``: sends the record batches of an encoded trace."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from harness.base.errors import FloodmarkError
from harness.load.send.record_batches.config import RecordBatchesConfig
from harness.load.send.record_batches.drive import links_to
from harness.load.send.record_batches.process import Driver, run_process, send_all
from harness.load.send.record_batches.trace import EncodedTrace
from harness.load.send.record_batches.trace_supply import TraceSupply
from harness.load.target import Needs, check_target
from pipeline.base.endpoints import Endpoints


def main(arguments: Sequence[str] | None = None) -> int:
    """Send as configured. Returns 0 when it ran to its end, 1 when it was refused or the cluster was lost."""
    return run_process(
        arguments, name="harness.load.send.record_batches", config=RecordBatchesConfig, send=_send
    )


async def _send(config: RecordBatchesConfig, driver: Driver) -> None:
    kafka, trace = Endpoints.load(config.endpoints).kafka, _opened(config.trace)
    needs = Needs(
        partitions=trace.facts.partitions, largest_bytes=trace.largest_bytes, source=f"the trace {trace.path}"
    )
    check_target(kafka, config.topic, needs)
    supply = TraceSupply(trace, events=config.events, origin_ms=config.clocks.origin_ms, share=config.share)
    links = links_to(kafka, worker=config.worker, acks=config.acks, count=config.producers)
    await send_all(config, supply, links, driver)


def _opened(path: Path) -> EncodedTrace:
    """Raises FloodmarkError for a file that is not an intact trace."""
    try:
        return EncodedTrace.open(path)
    except (OSError, ValueError) as error:
        raise FloodmarkError(str(error)) from error


if __name__ == "__main__":
    sys.exit(main())
