"""``python -m pipeline.batch``: land what is new and carry days out; tells what it does as JSON lines.

Exit codes: 0 it came to its end, whatever the gates found; 1 it failed, and told why; 130 and 143 it was
interrupted, by SIGINT and SIGTERM, and let go of all that it held.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn, TextIO

import psutil

from pipeline.batch.day_scan import scan_day
from pipeline.batch.events import Begins, Days, Ended, Event, Failed, Ready, teller
from pipeline.batch.graph import Bookkeeping
from pipeline.batch.parts import batch_of, context_of
from pipeline.batch.session import cancel_jobs, spark_session
from pipeline.batch.table_care import CareWanted, care_for
from pipeline.batch.tables import TABLES
from pipeline.endpoints import Endpoints
from pipeline.errors import PipelineError
from pipeline.options import PipelineOptions

_INTERRUPTS: Final = (signal.SIGINT, signal.SIGTERM)
_REST: Final = "interrupted; what was recorded stays, and what was under way can be carried out again"


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out what the arguments say."""
    options = _parser().parse_args(arguments)
    for number in _INTERRUPTS:
        signal.signal(number, _interrupted)
    stream: TextIO = options.events.open("a") if options.events else sys.stdout
    tell = teller(stream)
    try:
        _carry_out(options, tell)
    except PipelineError as error:
        tell(Failed(error=type(error).__name__, message=str(error)))
        return 1
    except SystemExit:
        tell(Failed(error="Interrupted", message=_REST))
        raise
    return 0


def _carry_out(options: argparse.Namespace, tell: Callable[[Event], None]) -> None:
    endpoints, began_s = Endpoints.load(options.endpoints), time.monotonic()
    choices = PipelineOptions.load(options.options).batch
    with spark_session(endpoints, name="floodmark-batch") as spark:
        tell(Ready(after_s=round(time.monotonic() - began_s, 3)))
        context = context_of(
            spark,
            endpoints,
            choices,
            holder=f"{socket.gethostname()}, process {os.getpid()}",
            now=lambda: datetime.now(UTC),
        )
        books = Bookkeeping(
            records=context.records,
            now=lambda: datetime.now(UTC),
            cpu_s=_cpu_s,
            begins=lambda task, day: tell(Begins(task=task, day=day)),
            ended=lambda record: tell(Ended(record=record)),
        )
        batch = batch_of(context, books, chosen=lambda days: tell(Days(days=tuple(days))))
        if options.care:
            wanted = CareWanted(since=options.since, clustered=options.cluster)
            for table in TABLES:
                if not options.table or table.name in options.table:
                    for cared in care_for(context, table, wanted):
                        tell(cared)
        elif options.end_of:
            batch.carry_out_until(options.end_of, rest=options.rest)
        elif options.day:
            batch.carry_out(options.day)
        else:
            batch.carry_out_open(before=datetime.now(UTC).date())
        for scanned in filter(None, (scan_day(context, day) for day in options.scan)):
            tell(scanned)


def _cpu_s() -> float:
    """Of this process and of all that it started: Spark's driver is one of them."""
    own = psutil.Process()
    total = 0.0
    for process in (own, *own.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue  # it ended just now
        total += times.user + times.system
    return total


def _interrupted(number: int, frame: FrameType | None) -> NoReturn:
    """So that the session, and what it holds, is let go of: undisturbed, and without waiting for Spark."""
    for interrupt in _INTERRUPTS:
        # Not SIG_IGN, which makes Python say of one that has just come that it is ignored.
        signal.signal(interrupt, lambda *again: None)
    cancel_jobs()
    sys.exit(128 + number)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pipeline.batch", description=__doc__)
    parser.add_argument("--endpoints", type=Path, required=True, help="what Endpoints.save wrote")
    parser.add_argument("--options", type=Path, required=True, help="what PipelineOptions.save wrote")
    parser.add_argument("--events", type=Path, help="append what is told to this file, and not to stdout")
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--day", type=date.fromisoformat, action="append", help="a day to carry out, open or not"
    )
    which.add_argument(
        "--end-of",
        type=date.fromisoformat,
        action="append",
        help="land what the source held when this day ended, and carry out what is open then",
    )
    which.add_argument("--care", action="store_true", help="care for tables, and carry no day out")
    parser.add_argument(
        "--table",
        choices=[table.name for table in TABLES],
        action="append",
        help="with --care: not all tables",
    )
    parser.add_argument("--since", type=date.fromisoformat, help="with --care: rewrite no day before this")
    parser.add_argument(
        "--cluster", action="store_true", help="with --care: put rows that are alike together"
    )
    parser.add_argument("--rest", action="store_true", help="with --end-of: then land what is left, too")
    parser.add_argument(
        "--scan",
        type=date.fromisoformat,
        action="append",
        default=[],
        help="then measure how much of Silver a query of this day and one type reads",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
