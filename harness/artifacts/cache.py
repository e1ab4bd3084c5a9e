"""The cache of engine homes: fetched once, verified, and shared by all checkouts of this user."""

from __future__ import annotations

import fcntl
import os
import platform
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.artifacts.clients import Client, Download, WrongDigest, digest_error
from harness.artifacts.engines import Engine
from harness.artifacts.layout import lay_out
from harness.artifacts.marker import is_marked, is_untouched, verify, write_marker
from harness.base.errors import ArtifactError
from harness.base.files import sha256_of

if TYPE_CHECKING:  # slow to import; keeps warm starts fast
    from harness.base.report import Report


def cache_dir() -> Path:
    """``$FLOODMARK_CACHE``, else ``floodmark`` in the user's cache folder."""
    if chosen := os.environ.get("FLOODMARK_CACHE"):
        return Path(chosen).expanduser().resolve()
    base = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(base, "floodmark")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """Engine homes: their location, their required contents, and the clients that fetch them."""

    root: Path
    engines: Mapping[str, Engine]
    clients: Mapping[str, Client]
    """By source: ``maven``, ``pypi``."""

    def home(self, name: str) -> Path:
        """The folder of one engine, filled or not. Raises ``ArtifactError``."""
        return self.root / "engines" / self._engine(name).home_name

    def missing(self, names: Collection[str] | None = None) -> tuple[str, ...]:
        """Engines with incomplete homes, judged by file sizes and times alone."""
        return tuple(name for name in self._names(names) if not is_untouched(self.home(name)))

    def ensure(self, names: Collection[str] | None, *, report: Report, recheck: bool = False) -> None:
        """Complete the homes of the named engines. If none is missing, start no client and take no lock.

        ``recheck`` hashes every file again instead of trusting its size and time. Raises ``ArtifactError``.
        """
        if not recheck and not self.missing(names):
            return
        with self._locked(report):
            incomplete = [
                self._engine(name)
                for name in self._names(names)
                if not self._is_complete(name, report, recheck)
            ]
            if incomplete:
                self._fetch(incomplete, report)
            for engine in incomplete:
                self._build(engine, report)

    def _engine(self, name: str) -> Engine:
        if name not in self.engines:
            raise ArtifactError(f"unknown engine {name!r}; known: {', '.join(self.engines)}")
        return self.engines[name]

    def _names(self, names: Collection[str] | None) -> Collection[str]:
        return self.engines if names is None else names

    @contextmanager
    def _locked(self, report: Report) -> Iterator[None]:
        """Exclude other processes. The kernel releases the lock of a killed process."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                report(f"waiting for another process that is filling {self.root}")
                fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _is_complete(self, name: str, report: Report, recheck: bool) -> bool:
        home = self.home(name)
        if not recheck and is_untouched(home):
            return True
        if not is_marked(home):
            return False
        wrong = verify(home)
        for one in wrong:
            report(f"rebuilding {name}, damaged in the cache: {one}")
        return not wrong

    def _partial(self, engine: Engine) -> Path:
        """Kept when interrupted, so that the next attempt fetches only what is still missing."""
        return self.root / "engines" / f".{engine.home_name}.partial"

    def _fetch(self, engines: Sequence[Engine], report: Report) -> None:
        if foreign := [f"{one.name}: built for {', '.join(one.made_for)}" for one in engines if one.made_for]:
            raise ArtifactError(f"no build for this machine ({platform.machine()}); {'; '.join(foreign)}")
        needed = [
            Download(artifact=artifact, folder=self._partial(engine) / "downloads")
            for engine in engines
            for artifact in engine.artifacts
        ]
        for folder in {download.folder for download in needed}:
            folder.mkdir(parents=True, exist_ok=True)
        absent = [download for download in needed if _wrong_digest(download) is not None]
        kept = len(needed) - len(absent)
        if kept:
            report(f"{kept} of {len(needed)} artifacts are already downloaded")
        self._run_clients(absent, report)
        _verify(absent)

    def _run_clients(self, absent: Sequence[Download], report: Report) -> None:
        """Fetch from all sources at once: each client mostly waits for the network."""
        by_source = {
            d.artifact.source: [x for x in absent if x.artifact.source == d.artifact.source] for d in absent
        }
        with ThreadPoolExecutor(max_workers=max(1, len(by_source))) as pool:
            fetches = [
                pool.submit(self.clients[source].fetch, downloads, report=report)
                for source, downloads in by_source.items()
            ]
        if failures := [str(error) for one in fetches if (error := one.exception()) is not None]:
            raise ArtifactError("\n".join(failures))

    def _build(self, engine: Engine, report: Report) -> None:
        """Build beside the final place and rename, so that a home is either complete or absent."""
        partial, home = self._partial(engine), self.home(engine.name)
        shutil.rmtree(partial / "home", ignore_errors=True)
        (partial / "home").mkdir()
        lay_out(engine, partial / "downloads", partial / "home")
        write_marker(partial / "home")
        if home.exists():
            shutil.rmtree(home)
        (partial / "home").rename(home)
        shutil.rmtree(partial)
        report(f"{engine.name} is ready: {len(engine.artifacts)} verified artifacts")


def _wrong_digest(download: Download) -> WrongDigest | None:
    """Return None if the file has the locked digest; remove a file with any other digest."""
    artifact = download.artifact
    found = sha256_of(download.path) if download.path.is_file() else "no file"
    if found == artifact.sha256:
        return None
    download.path.unlink(missing_ok=True)
    return WrongDigest(artifact=artifact.coordinates, expected=artifact.sha256, found=found)


def _verify(downloads: Sequence[Download]) -> None:
    if wrong := [one for download in downloads if (one := _wrong_digest(download)) is not None]:
        raise digest_error(wrong)
