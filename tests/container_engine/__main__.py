"""``python -m tests.container_engine up|down|status``: a private Docker engine on Debian, as root."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from harness.base.errors import FloodmarkError, PlatformError
from harness.cli.output import Progress, print_error
from tests.container_engine.machine import default_folder, without_library

_INTERRUPTED: Final = 130
_DOWN: Final = 3


def main(arguments: Sequence[str]) -> int:
    """Bring the engine up or down, or say how it is; the exit code."""
    # A polite request to end, or the loss of the terminal, is handled as Ctrl-C is.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    asked = _parser().parse_args(arguments)
    report = Progress()
    try:
        return _perform(asked, report)
    except KeyboardInterrupt:
        report("interrupted; `python -m tests.container_engine down` removes what is there")
        return _INTERRUPTED
    except FloodmarkError as error:
        print_error(error)
        return error.exit_code


def _perform(asked: argparse.Namespace, report: Progress) -> int:
    if missing := without_library():
        raise PlatformError(missing)
    from tests.container_engine.engine import Engine  # noqa: PLC0415

    engine = Engine(asked.folder.expanduser().absolute())
    if asked.action == "down":
        engine.down(report, purge=asked.purge)
        return 0
    if asked.action == "up":
        engine.up(report)
    status = engine.status()
    report(status.text)
    if status.host:
        sys.stdout.write(f"DOCKER_HOST={status.host}\n")
    return 0 if status.host else _DOWN


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.container_engine",
        description=(
            "A Docker engine of the tests' own, for a machine without one: Debian's packages, a base image "
            "made by debootstrap, and everything else in one folder. `up` prints its address: "
            "export $(python -m tests.container_engine up)"
        ),
    )
    parser.add_argument("action", choices=("up", "down", "status"))
    parser.add_argument(
        "--folder", type=Path, default=default_folder(), help="where the engine lives (%(default)s)"
    )
    parser.add_argument("--purge", action="store_true", help="down: remove the base image's tarball as well")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
