"""``python -m tests.bench [NAME...]``: measure, and write what was found to ``reports/bench/``."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from harness.base.errors import DeployError, FloodmarkError
from harness.cli.output import Progress, print_error
from pipeline.base.errors import PipelineError
from tests.bench import BENCHES
from tests.bench.protocol import Settings

_INTERRUPTED: Final = 130


def main(arguments: Sequence[str]) -> int:
    """Run the benches that were named, or all of them; the exit code."""
    # A polite request to end, or the loss of the terminal, is handled as Ctrl-C is: everything is stopped.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    asked = _parser().parse_args(arguments)
    settings = Settings(events=asked.events, out=asked.out, report=Progress())
    try:
        for name in asked.names or BENCHES:
            BENCHES[name].run(settings)
    except KeyboardInterrupt:
        settings.report("interrupted; everything was stopped")
        return _INTERRUPTED
    except FloodmarkError as error:
        print_error(error)
        return error.exit_code
    except PipelineError as error:
        print_error(DeployError(str(error)))
        return DeployError.exit_code
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description="Measure parts of the product on real engines. All benches run unless some are named.",
        epilog="\n".join(["benches:", *(f"  {name:10} {bench.summary}" for name, bench in BENCHES.items())]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", metavar="NAME", nargs="*", type=_name, help="a bench")
    parser.add_argument(
        "--events", type=_count, help="how many events to measure with (each bench has its own default)"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("reports/bench"), help="where the results go (%(default)s)"
    )
    return parser


def _name(text: str) -> str:
    if text not in BENCHES:
        raise argparse.ArgumentTypeError(f"no bench is called {text!r}; there are {', '.join(BENCHES)}")
    return text


def _count(text: str) -> int:
    try:
        count = int(text.replace("_", "").replace(",", ""))
    except ValueError:
        count = 0
    if count < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return count


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
