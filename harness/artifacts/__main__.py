"""``python -m harness.artifacts ensure`` fills the cache (``make setup``); ``lock`` updates the lock."""

from __future__ import annotations

import argparse
import sys

from harness.artifacts import ensure, maven, pypi
from harness.artifacts.engines import LOCK_FILE, Engine, lock_text, read_specs
from harness.base.errors import ArtifactError


def main() -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m harness.artifacts", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    filling = commands.add_parser("ensure", help="fetch and verify engines missing from the cache")
    filling.add_argument("--verify", action="store_true", help="hash every cached file again")
    commands.add_parser("lock", help="resolve engines.toml and write engines.lock")
    arguments = parser.parse_args()
    try:
        if arguments.command == "lock":
            _lock()
        else:
            ensure(report=_report, recheck=arguments.verify)
    except ArtifactError as error:
        _report(f"error: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        _report("interrupted; files fetched so far are kept")
        return 130
    return 0


def _lock() -> None:
    engines = []
    for spec in read_specs():
        _report(f"resolving {spec.name}")
        resolved = (maven.resolve(spec) if spec.maven else ()) + pypi.resolve(spec)
        engines.append(Engine(spec=spec, artifacts=resolved))
        _report(f"{spec.name}: {len(resolved)} artifacts")
    LOCK_FILE.write_text(lock_text(engines))


def _report(message: str) -> None:
    sys.stderr.write(f"  {message}\n")


if __name__ == "__main__":
    sys.exit(main())
