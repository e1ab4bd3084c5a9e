"""``python -m harness.load.wire --config FILE``: a replay at wire speed. SIGTERM or SIGINT ends it early.

With ``--driven`` the configuration is the first line of standard input, whose end ends the replay early, and
counts go to standard output twice a second: so Locust drives it in a process of its own, since its own
greenlets and the Kafka client's coroutines do not mix.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from harness.errors import FloodmarkError
from harness.load.tally import Tally
from harness.load.target import Needs, check_target
from harness.load.wire.config import WireConfig
from harness.load.wire.drive import Books, drive, until_done, wire_links
from harness.load.wire.replay import WireLoad
from harness.load.wire.trace import EncodedTrace
from harness.load.wire.trace_supply import TraceSupply
from pipeline.endpoints import Endpoints


def main(arguments: Sequence[str] | None = None) -> int:
    """Replay as told; 0 when it came to its end, 1 when it was refused or the cluster was lost."""
    parser = argparse.ArgumentParser(prog="python -m harness.load.wire", description=__doc__)
    told = parser.add_mutually_exclusive_group(required=True)
    told.add_argument("--config", type=Path, help="a file that WireConfig.save wrote")
    told.add_argument("--driven", action="store_true", help="by the process that started this one")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    options = parser.parse_args(arguments)
    if options.driven:
        config = WireConfig.model_validate_json(sys.stdin.buffer.readline())
        return until_done(_replay(config, tell=_tell, ends=_at_end_of_input))
    return until_done(_replay(WireConfig.load(options.config)))


async def _replay(
    config: WireConfig,
    *,
    tell: Callable[[Tally], None] = lambda _: None,
    ends: Callable[[Callable[[], None]], None] = lambda _: None,
) -> None:
    kafka, trace = Endpoints.load(config.endpoints).kafka, _opened(config.trace)
    needs = Needs(
        partitions=trace.facts.partitions, largest_bytes=trace.largest_bytes, source=f"the trace {trace.path}"
    )
    check_target(kafka, config.topic, needs)
    supply = TraceSupply(
        trace,
        events=config.events,
        origin_ms=config.clocks.origin_ms,
        share=config.share,
    )
    await drive(
        _load(config),
        supply,
        wire_links(kafka, worker=config.worker, acks=config.acks, count=config.producers),
        Books.open(
            config.history,
            config.progress,
            config.worker,
            config.clocks,
            total=config.total,
            workers=config.share.of,
        ),
        flush_timeout_s=config.flush_timeout_s,
        stop_timeout_s=config.stop_timeout_s,
        tell=tell,
        ends=ends,
    )


def _opened(path: Path) -> EncodedTrace:
    """Raises FloodmarkError for a file that is no whole trace."""
    try:
        return EncodedTrace.open(path)
    except (OSError, ValueError) as error:
        raise FloodmarkError(str(error)) from error


def _load(config: WireConfig) -> WireLoad:
    start_ns = config.clocks.load_start_ns
    return WireLoad(
        topic=config.topic,
        pace=config.pace,
        load_start_ns=start_ns,
        end_ns=None if config.duration_s is None else start_ns + round(config.duration_s * 1e9),
    )


def _tell(tally: Tally) -> None:
    """To whoever drives this process; it ends when nobody does."""
    with suppress(BrokenPipeError):
        os.write(sys.stdout.fileno(), tally.dump())


def _at_end_of_input(stop: Callable[[], None]) -> None:
    loop, file = asyncio.get_running_loop(), sys.stdin.fileno()

    def readable() -> None:
        if not os.read(file, 4096):
            loop.remove_reader(file)
            stop()

    loop.add_reader(file, readable)


if __name__ == "__main__":
    sys.exit(main())
