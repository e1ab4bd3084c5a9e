"""``python -m harness.doctor``: the part of ``make setup`` that only the system's package manager can do."""

from __future__ import annotations

import subprocess
import sys

from harness.doctor.machine import Machine, read_machine
from harness.doctor.packages import install_command
from harness.doctor.requirements import examine
from harness.errors import PlatformError


def main() -> int:
    """Install what is missing if that takes no password, and return 0 if nothing required is missing then."""
    machine = read_machine()
    packages = [one.package for one in examine(machine) if one.package]
    if packages and machine.is_root:
        _install(packages, machine)
        machine = read_machine()
    lacking = [one for one in examine(machine) if one.state == "missing"]
    for one in lacking:
        sys.stderr.write(f"  {one.name}: wanted {one.wanted}, found {one.found}\n    {one.mend}\n")
    return PlatformError.exit_code if lacking else 0


def _install(packages: list[str], machine: Machine) -> None:
    command = install_command(packages, machine.package_manager, is_root=True)
    sys.stderr.write(f"  running: {command}\n")
    # The command is one of packages.py's own, joined by `&&`; its failure shows as what is still missing.
    subprocess.run(["/bin/sh", "-c", command], check=False, stdin=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
