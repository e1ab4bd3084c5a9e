"""``python -m pipeline.days``: land new data and run days; logs what it does as JSON lines.

Exit codes: 0 it completed, whatever the gates found; 1 it failed, and logged why; 130 and 143 it was
interrupted by SIGINT or SIGTERM, and released everything that it held.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn, TextIO

from pipeline.base.endpoints import Endpoints
from pipeline.base.errors import PipelineError
from pipeline.base.options import PipelineOptions
from pipeline.days.job_request import CareRequest, DaysRequest, JobRequest
from pipeline.days.spark.spark_session import cancel_jobs, spark_session
from pipeline.days.tables.delta_tables import TABLES
from pipeline.days.tasks.job_events import Event, Failed, Ready, event_writer

_INTERRUPTS: Final = (signal.SIGINT, signal.SIGTERM)
_INTERRUPTED: Final = "interrupted; what was recorded stays, and unfinished work can be run again"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the request on the command line and return the exit code."""
    options = _parser().parse_args(arguments)
    for number in _INTERRUPTS:
        signal.signal(number, _on_interrupt)
    stream: TextIO = options.events.open("a") if options.events else sys.stdout
    emit = event_writer(stream)
    try:
        _run(options, emit)
    except PipelineError as error:
        emit(Failed(error=type(error).__name__, message=str(error)))
        return 1
    except SystemExit:
        emit(Failed(error="Interrupted", message=_INTERRUPTED))
        raise
    return 0


def _run(options: argparse.Namespace, emit: Callable[[Event], None]) -> None:
    endpoints, began_s = Endpoints.load(options.endpoints), time.monotonic()
    choices = PipelineOptions.load(options.options).lake
    with _preloaded("pipeline.days.run_request"), spark_session(endpoints, name="floodmark-lake") as spark:
        from pipeline.days.run_request import run_request  # noqa: PLC0415
        from pipeline.days.tasks.day_tasks import context_of  # noqa: PLC0415

        emit(Ready(after_s=round(time.monotonic() - began_s, 3)))
        context = context_of(
            spark,
            endpoints,
            choices,
            holder=f"{socket.gethostname()}, process {os.getpid()}",
            now=lambda: datetime.now(UTC),
        )
        run_request(context, _request(options), emit)


def _request(options: argparse.Namespace) -> JobRequest:
    first: CareRequest | DaysRequest
    if options.care:
        first = CareRequest(tables=tuple(options.table), since=options.since, clustered=options.cluster)
    else:
        first = DaysRequest(days=tuple(options.day), ends=tuple(options.end_of), rest=options.rest)
    return JobRequest(first=first, scans=tuple(options.scan))


@contextmanager
def _preloaded(module: str) -> Iterator[None]:
    """Import a module in the background: Great Expectations takes as long to import as Spark to start."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(import_module, module)
        yield


def _on_interrupt(number: int, frame: FrameType | None) -> NoReturn:
    """Exit in order, so that the session and its leases are released, without waiting for Spark's jobs."""
    for interrupt in _INTERRUPTS:
        # Not SIG_IGN: Python would print a warning about a signal that has just arrived.
        signal.signal(interrupt, lambda *again: None)
    cancel_jobs()
    sys.exit(128 + number)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pipeline.days", description=__doc__)
    parser.add_argument("--endpoints", type=Path, required=True, help="what Endpoints.save wrote")
    parser.add_argument("--options", type=Path, required=True, help="what PipelineOptions.save wrote")
    parser.add_argument("--events", type=Path, help="append events to this file instead of stdout")
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--day", type=date.fromisoformat, action="append", default=[], help="a day to run, open or not"
    )
    which.add_argument(
        "--end-of",
        type=date.fromisoformat,
        action="append",
        default=[],
        help="land what the source held when this day ended, then run the days that are open",
    )
    which.add_argument("--care", action="store_true", help="maintain tables, and run no days")
    parser.add_argument(
        "--table",
        choices=[table.name for table in TABLES],
        action="append",
        default=[],
        help="with --care: only this table",
    )
    parser.add_argument("--since", type=date.fromisoformat, help="with --care: rewrite no day before this")
    parser.add_argument("--cluster", action="store_true", help="with --care: cluster similar rows")
    parser.add_argument("--rest", action="store_true", help="with --end-of: finally land the rest as well")
    parser.add_argument(
        "--scan",
        type=date.fromisoformat,
        action="append",
        default=[],
        help="finally measure how much of Silver a query for this day and one type reads",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
