"""Archives of the classes that a driver has loaded (class-data sharing), from which the next one starts.

Reading and checking classes is half of what a session costs. An archive holds for one class path alone, jar
by jar with its size and time; the virtual machine checks that, and does without an archive that does not fit.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.endpoints import SparkEndpoint

_KEPT: Final = 4
"""Archives of one folder: each has 200 MB, and those of jars that have changed are of no use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassArchive:
    """The archive of one driver's class path."""

    kept: Path
    made: Path
    """Where the driver writes it when it ends in order, where there is none yet."""

    @staticmethod
    def of(endpoint: SparkEndpoint, scratch: Path) -> ClassArchive | None:
        """None where the endpoint has no folder for archives."""
        if endpoint.class_archives is None:
            return None
        class_path = hashlib.sha256("\n".join(_class_path(endpoint)).encode()).hexdigest()[:16]
        return ClassArchive(
            kept=Path(endpoint.class_archives, f"driver-{class_path}.jsa"), made=scratch / "driver.jsa"
        )

    @property
    def options(self) -> tuple[str, ...]:
        """For the virtual machine: use it, or make it. It says nothing of classes that cannot be archived."""
        use = f"-XX:SharedArchiveFile={self.kept}"
        make = f"-XX:ArchiveClassesAtExit={self.made}"
        return (use if self.kept.is_file() else make, "-Xlog:cds=off", "-Xlog:cds+dynamic=off")

    def keep(self) -> None:
        """Keep what the driver has made. Of drivers that do so at the same time the last one's stays."""
        if not self.made.is_file():
            return
        self.kept.parent.mkdir(parents=True, exist_ok=True)
        partial = self.kept.with_name(f".{self.kept.name}.{os.getpid()}")
        shutil.move(self.made, partial)
        partial.replace(self.kept)
        archives = sorted(self.kept.parent.glob("driver-*.jsa"), key=lambda path: path.stat().st_mtime)
        for old in archives[:-_KEPT]:
            old.unlink(missing_ok=True)


def _class_path(endpoint: SparkEndpoint) -> Iterator[str]:
    for jar in endpoint.jars:
        status = Path(jar).stat()
        yield f"{jar} {status.st_size} {status.st_mtime_ns}"
    pyspark = importlib.util.find_spec("pyspark")
    for folder in (pyspark.submodule_search_locations or ()) if pyspark else ():
        yield f"{folder} {Path(folder, 'jars').stat().st_mtime_ns}"
