"""``python -m pipeline.days``: land what is new and carry days out; tells what it does as JSON lines.

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
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn, TextIO

from pipeline.days.events import Event, Failed, Ready, teller
from pipeline.days.session import cancel_jobs, spark_session
from pipeline.days.tables import TABLES
from pipeline.days.wanted import CareWanted, DaysWanted, Wanted
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
    choices = PipelineOptions.load(options.options).lake
    with _imported("pipeline.days.work"), spark_session(endpoints, name="floodmark-lake") as spark:
        from pipeline.days.day_tasks import context_of  # noqa: PLC0415
        from pipeline.days.work import work  # noqa: PLC0415

        tell(Ready(after_s=round(time.monotonic() - began_s, 3)))
        context = context_of(
            spark,
            endpoints,
            choices,
            holder=f"{socket.gethostname()}, process {os.getpid()}",
            now=lambda: datetime.now(UTC),
        )
        work(context, _wanted(options), tell)


def _wanted(options: argparse.Namespace) -> Wanted:
    first: CareWanted | DaysWanted
    if options.care:
        first = CareWanted(tables=tuple(options.table), since=options.since, clustered=options.cluster)
    else:
        first = DaysWanted(days=tuple(options.day), ends=tuple(options.end_of), rest=options.rest)
    return Wanted(first=first, scans=tuple(options.scan))


@contextmanager
def _imported(module: str) -> Iterator[None]:
    """Import a module meanwhile: Great Expectations takes as many seconds to import as Spark to start."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(import_module, module)
        yield


def _interrupted(number: int, frame: FrameType | None) -> NoReturn:
    """So that the session, and what it holds, is let go of: undisturbed, and without waiting for Spark."""
    for interrupt in _INTERRUPTS:
        # Not SIG_IGN, which makes Python say of one that has just come that it is ignored.
        signal.signal(interrupt, lambda *again: None)
    cancel_jobs()
    sys.exit(128 + number)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pipeline.days", description=__doc__)
    parser.add_argument("--endpoints", type=Path, required=True, help="what Endpoints.save wrote")
    parser.add_argument("--options", type=Path, required=True, help="what PipelineOptions.save wrote")
    parser.add_argument("--events", type=Path, help="append what is told to this file, and not to stdout")
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--day", type=date.fromisoformat, action="append", default=[], help="a day to carry out, open or not"
    )
    which.add_argument(
        "--end-of",
        type=date.fromisoformat,
        action="append",
        default=[],
        help="land what the source held when this day ended, and carry out what is open then",
    )
    which.add_argument("--care", action="store_true", help="care for tables, and carry no day out")
    parser.add_argument(
        "--table",
        choices=[table.name for table in TABLES],
        action="append",
        default=[],
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
