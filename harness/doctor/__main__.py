"""``python -m harness.doctor REQUIREMENTS_LOCK``: install what is missing, and report what remains."""

from __future__ import annotations

import sys
from pathlib import Path

from harness.base.errors import PlatformError
from harness.doctor.install import install_missing


def main(lock: Path) -> int:
    """Return 0, or 4 if something required is missing."""
    lacking = install_missing(lock, report=_report)
    for one in lacking:
        _report(f"{one.name}: wanted {one.wanted}; found {one.found}\n    fix: {one.fix}")
    return PlatformError.exit_code if lacking else 0


def _report(message: str) -> None:
    sys.stderr.write(f"  {message}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
