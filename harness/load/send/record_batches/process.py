"""A process that sends record batches: from its command line to its exit code.

``--config FILE`` configures it, and SIGTERM or SIGINT stops it early. With ``--driven`` its configuration is
the first line of standard input, closing which stops the load early, and counts go to standard output twice a
second. That is how Locust drives it: in a process of its own, since Locust's greenlets and the Kafka client's
coroutines do not mix.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from harness.load.send.record_batches.config import SendingConfig
from harness.load.send.record_batches.drive import Recorder, drive, until_done
from harness.load.send.record_batches.link import Link
from harness.load.send.record_batches.sender import RecordBatchesLoad
from harness.load.send.record_batches.supply import Supply
from harness.load.tally import Tally

Config = TypeVar("Config", bound=SendingConfig)


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """Optional callbacks: progress reporting and early stop."""

    report: Callable[[Tally], None] = lambda _: None
    on_stop: Callable[[Callable[[], None]], None] = lambda _: None
    """Called once with the function that stops the load."""


def run_process(
    arguments: Sequence[str] | None,
    *,
    name: str,
    config: type[Config],
    send: Callable[[Config, Driver], Coroutine[None, None, None]],
) -> int:
    """Send as configured. Returns 0 when it ran to its end, 1 when it was refused or the cluster was lost."""
    parser = argparse.ArgumentParser(prog=f"python -m {name}", description=__doc__)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--config", type=Path, help=f"a file that {config.__name__}.save wrote")
    source.add_argument(
        "--driven", action="store_true", help="be driven by the process that started this one"
    )
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    options = parser.parse_args(arguments)
    if options.driven:
        by_line = config.model_validate_json(sys.stdin.buffer.readline())
        return until_done(send(by_line, Driver(report=_print_tally, on_stop=_at_end_of_input)))
    return until_done(send(config.load(options.config), Driver()))


async def send_all(config: SendingConfig, supply: Supply, links: Sequence[Link], driver: Driver) -> None:
    """Send what the supply has, and record it. Raises what ``drive`` raises."""
    clocks, start_ns = config.clocks, config.clocks.load_start_ns
    await drive(
        RecordBatchesLoad(
            topic=config.topic,
            pace=config.pace,
            load_start_ns=start_ns,
            end_ns=None if config.duration_s is None else start_ns + round(config.duration_s * 1e9),
        ),
        supply,
        links,
        Recorder.open(
            config.history,
            config.progress,
            config.worker,
            clocks,
            total=config.total,
            workers=config.share.of,
        ),
        flush_timeout_s=config.flush_timeout_s,
        stop_timeout_s=config.stop_timeout_s,
        report=driver.report,
        on_stop=driver.on_stop,
    )


def _print_tally(tally: Tally) -> None:
    """Print it for the process that drives this one, which may have ended."""
    with suppress(BrokenPipeError):
        os.write(sys.stdout.fileno(), tally.dump())


def _at_end_of_input(stop: Callable[[], None]) -> None:
    loop, file = asyncio.get_running_loop(), sys.stdin.fileno()

    def readable() -> None:
        if not os.read(file, 4096):
            loop.remove_reader(file)
            stop()

    loop.add_reader(file, readable)
