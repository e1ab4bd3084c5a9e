"""Compile the stream job's Java part into a jar. ``python -m pipeline.stream.build --help``.

The batch compiler of Eclipse (Maven: org.eclipse.jdt:ecj) is a jar of its own, so a Java runtime suffices.
The jar's name holds a digest of the sources and of what they were compiled against: a jar of that name
is the right one.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Final

from pipeline.errors import BuildError

_JAVA_RELEASE: Final = "17"
_TIMEOUT_S: Final = 120.0
_SERVICE: Final = "META-INF/services/org.apache.flink.table.factories.Factory"
_FACTORY: Final = "floodmark.pipeline.EventsTableFactory"
# A fixed time in each entry makes equal classes an equal jar.
_ENTRY_TIME: Final = (2020, 1, 1, 0, 0, 0)


def build_jar(
    *, ecj: Path, class_path: Sequence[Path], cache: Path, java: str | os.PathLike[str] = "java"
) -> Path:
    """The jar of the stream job's Java part, compiled unless ``cache`` has it already.

    ``class_path``: the jars of Flink's distribution, table API, table runtime and Kafka SQL connector.
    Raises BuildError with the compiler's output.
    """
    sources = _sources()
    jar = cache / f"floodmark-stream-{_digest(sources, (ecj, *class_path))}.jar"
    if jar.exists():
        return jar
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as work:
        classes = Path(work, "classes")
        command = [os.fspath(java), "-jar", str(ecj), f"-{_JAVA_RELEASE}", "-proc:none", "-nowarn"]
        command += ["-classpath", os.pathsep.join(map(str, class_path)), "-d", str(classes)]
        _compile(command, sources, Path(work, "src"))
        partial = Path(work, jar.name)
        _pack(classes, partial)
        partial.replace(jar)
    return jar


def _sources() -> dict[str, bytes]:
    folder = resources.files("pipeline.stream") / "java"
    return {
        file.name: file.read_bytes()
        for file in sorted(folder.iterdir(), key=lambda f: f.name)
        if file.name.endswith(".java")
    }


def _digest(sources: dict[str, bytes], jars: Sequence[Path]) -> str:
    digest = hashlib.sha256(_JAVA_RELEASE.encode())
    for name, text in sources.items():
        digest.update(f"{name}\0{len(text)}\0".encode() + text)
    # Artifacts carry their version in their name, and are verified where they are resolved.
    for name in sorted(jar.name for jar in jars):
        digest.update(name.encode() + b"\0")
    return digest.hexdigest()[:16]


def _compile(command: Sequence[str], sources: dict[str, bytes], folder: Path) -> None:
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
        raise BuildError(f"the stream job's Java part does not compile:\n{done.stdout}{done.stderr}")


def _pack(classes: Path, jar: Path) -> None:
    with zipfile.ZipFile(jar, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(_SERVICE, _ENTRY_TIME), _FACTORY + "\n")
        for file in sorted(classes.rglob("*.class")):
            entry = zipfile.ZipInfo(file.relative_to(classes).as_posix(), _ENTRY_TIME)
            archive.writestr(entry, file.read_bytes())


def _main() -> int:
    parser = argparse.ArgumentParser(description="Compile the stream job's Java part into a jar.")
    parser.add_argument("--ecj", type=Path, required=True, help="the jar of Eclipse's batch compiler")
    parser.add_argument("--class-path", type=Path, nargs="+", required=True, help="Flink's jars")
    parser.add_argument("--cache", type=Path, required=True, help="where the jar goes")
    parser.add_argument("--java", default="java", help="the java command")
    arguments = parser.parse_args()
    jar = build_jar(
        ecj=arguments.ecj, class_path=arguments.class_path, cache=arguments.cache, java=arguments.java
    )
    sys.stdout.write(f"{jar}\n")
    return 0


if __name__ == "__main__":
    sys.exit(_main())
