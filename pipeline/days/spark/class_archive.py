"""Archives of the classes that a driver has loaded (class-data sharing), so that the next one starts faster.

Reading and verifying classes is half the cost of a session. An archive is valid for exactly one class path,
including each jar's size and time; the virtual machine checks that, and ignores an archive that does not fit.
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

from pipeline.base.endpoints import SparkEndpoint

_KEPT: Final = 4
"""How many archives to keep: each takes 200 MB, and those of changed jars are useless."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassArchive:
    """The archive for one driver's class path."""

    kept: Path
    made: Path
    """Where the driver writes a missing archive when it exits normally."""

    @staticmethod
    def of(endpoint: SparkEndpoint, scratch: Path) -> ClassArchive | None:
        """Return the endpoint's archive; None if it has no folder for archives."""
        if endpoint.class_archives is None:
            return None
        class_path = hashlib.sha256("\n".join(_class_path(endpoint)).encode()).hexdigest()[:16]
        return ClassArchive(
            kept=Path(endpoint.class_archives, f"driver-{class_path}.jsa"), made=scratch / "driver.jsa"
        )

    @property
    def options(self) -> tuple[str, ...]:
        """JVM options that use or create the archive, without warnings about other classes."""
        use = f"-XX:SharedArchiveFile={self.kept}"
        make = f"-XX:ArchiveClassesAtExit={self.made}"
        return (use if self.kept.is_file() else make, "-Xlog:cds=off", "-Xlog:cds+dynamic=off")

    def keep(self) -> None:
        """Keep the archive that the driver wrote. Among concurrent drivers the last one wins."""
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
