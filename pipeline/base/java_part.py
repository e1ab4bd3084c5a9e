"""The pipeline's Java parts, and how each is compiled into a jar.

Eclipse's batch compiler (Maven: org.eclipse.jdt:ecj) is a jar of its own, so a Java runtime suffices.
A jar's name contains a digest of its sources and of what they were compiled against, so a cached jar with
the right name never needs to be rebuilt.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Final

from pipeline.base.errors import BuildError

_JAVA_RELEASE: Final = "17"
_TIMEOUT_S: Final = 120.0
# A fixed time stamp makes the jar reproducible.
_ENTRY_TIME: Final = (2020, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class JavaPart:
    """Java sources that are compiled into one jar."""

    name: str
    packages: tuple[str, ...]
    """Python packages whose ``java`` folders are compiled. File names are unique across them."""
    relocated: Mapping[str, str] = field(default_factory=dict)
    """Import prefixes, and the prefixes under which the engine shades these libraries."""
    services: Mapping[str, str] = field(default_factory=dict)
    """Interfaces, and the class that ServiceLoader returns for each."""


LAKE_JAVA: Final = JavaPart(name="lake", packages=("pipeline.contract", "pipeline.days"))
"""The contract judge as a Spark function. Compiled against pyspark's jars; a session has the jar in
``spark.jars`` or on its class path."""
STREAM_JAVA: Final = JavaPart(
    name="stream",
    packages=("pipeline.contract", "pipeline.stream"),
    # Flink's own copy of Jackson.
    relocated={"com.fasterxml.jackson": "org.apache.flink.shaded.jackson2.com.fasterxml.jackson"},
    services={"org.apache.flink.table.factories.Factory": "floodmark.pipeline.EventsTableFactory"},
)
"""The source connector, which judges by the contract, and the session windows. Compiled against the jars of
Flink's distribution, table API, table runtime and Kafka SQL connector."""


def build_jar(
    part: JavaPart,
    *,
    ecj: Path,
    class_path: Sequence[Path],
    cache: Path,
    java: str | os.PathLike[str] = "java",
) -> Path:
    """Return the jar of a part; compile it against ``class_path`` unless ``cache`` already has it.

    Raises BuildError with the compiler's output.
    """
    sources = _sources(part)
    jar = cache / f"floodmark-{part.name}-{_digest(part, sources, (ecj, *class_path))}.jar"
    if jar.exists():
        return jar
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as work:
        classes = Path(work, "classes")
        command = [os.fspath(java), "-jar", str(ecj), f"-{_JAVA_RELEASE}", "-proc:none", "-nowarn"]
        command += ["-classpath", os.pathsep.join(map(str, class_path)), "-d", str(classes)]
        _compile(part, command, sources, Path(work, "src"))
        partial = Path(work, jar.name)
        _pack(part, classes, partial)
        partial.replace(jar)
    return jar


def _sources(part: JavaPart) -> dict[str, bytes]:
    files = [
        file
        for package in part.packages
        for file in sorted((resources.files(package) / "java").iterdir(), key=lambda f: f.name)
        if file.name.endswith(".java")
    ]
    return {file.name: _relocate(file.read_bytes(), part.relocated) for file in files}


def _relocate(source: bytes, relocated: Mapping[str, str]) -> bytes:
    for prefix, instead in relocated.items():
        source = source.replace(f"import {prefix}.".encode(), f"import {instead}.".encode())
    return source


def _digest(part: JavaPart, sources: dict[str, bytes], jars: Sequence[Path]) -> str:
    digest = hashlib.sha256(f"{_JAVA_RELEASE}{sorted(part.services.items())}".encode())
    for name, text in sources.items():
        digest.update(f"{name}\0{len(text)}\0".encode() + text)
    # Artifact names contain their versions, and artifacts are verified when they are resolved.
    for name in sorted(jar.name for jar in jars):
        digest.update(name.encode() + b"\0")
    return digest.hexdigest()[:16]


def _compile(part: JavaPart, command: Sequence[str], sources: dict[str, bytes], folder: Path) -> None:
    folder.mkdir()
    for name, text in sources.items():
        (folder / name).write_bytes(text)
    try:
        done = subprocess.run(
            [*command, str(folder)], capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildError(f"the compiler did not run: {error}") from error
    if done.returncode != 0:
        raise BuildError(f"the Java part of {part.name} does not compile:\n{done.stdout}{done.stderr}")


def _pack(part: JavaPart, classes: Path, jar: Path) -> None:
    with zipfile.ZipFile(jar, "w", zipfile.ZIP_DEFLATED) as archive:
        for service, provider in part.services.items():
            archive.writestr(zipfile.ZipInfo(f"META-INF/services/{service}", _ENTRY_TIME), provider + "\n")
        for file in sorted(classes.rglob("*.class")):
            entry = zipfile.ZipInfo(file.relative_to(classes).as_posix(), _ENTRY_TIME)
            archive.writestr(entry, file.read_bytes())
