"""The cache of engine homes: fetched once, verified, and shared by every checkout of this user."""

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

from harness.artifacts.clients import Client, Download
from harness.artifacts.digests import WrongDigest, refusal, sha256_of
from harness.artifacts.engines import Engine
from harness.artifacts.layout import lay_out
from harness.artifacts.marker import is_marked, is_untouched, verify, write_marker
from harness.base.errors import ArtifactError

if TYPE_CHECKING:  # its module is slow to import, and a warm start should not be
    from harness.base.report import Report


def cache_dir() -> Path:
    """``$FLOODMARK_CACHE``, else ``floodmark`` in the user's cache folder."""
    if chosen := os.environ.get("FLOODMARK_CACHE"):
        return Path(chosen).expanduser().resolve()
    base = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(base, "floodmark")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """Where homes lie, what they must hold, and who fetches what is missing."""

    root: Path
    engines: Mapping[str, Engine]
    clients: Mapping[str, Client]
    """By source: ``maven``, ``pypi``."""

    def home(self, name: str) -> Path:
        """The folder of one engine, whether it is filled yet or not. Raises ``ArtifactError``."""
        return self.root / "engines" / self._engine(name).home_name

    def missing(self, names: Collection[str] | None = None) -> tuple[str, ...]:
        """Those engines whose homes are not complete, judged by sizes and times alone."""
        return tuple(name for name in self._names(names) if not is_untouched(self.home(name)))

    def ensure(self, names: Collection[str] | None, *, report: Report, recheck: bool = False) -> None:
        """Have every named engine's home complete. Starts no client and takes no lock when it is.

        ``recheck`` hashes every file again instead of trusting its size and time. Raises ``ArtifactError``.
        """
        if not recheck and not self.missing(names):
            return
        with self._locked(report):
            lacking = [
                self._engine(name) for name in self._names(names) if not self._holds(name, report, recheck)
            ]
            if lacking:
                self._fetch(lacking, report)
            for engine in lacking:
                self._build(engine, report)

    def _engine(self, name: str) -> Engine:
        if name not in self.engines:
            raise ArtifactError(f"no engine is called {name!r}; there are {', '.join(self.engines)}")
        return self.engines[name]

    def _names(self, names: Collection[str] | None) -> Collection[str]:
        return self.engines if names is None else names

    @contextmanager
    def _locked(self, report: Report) -> Iterator[None]:
        """One process at a time. The lock dies with its process, so a killed one blocks nobody."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                report(f"another process fills {self.root}; waiting for it")
                fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _holds(self, name: str, report: Report, recheck: bool) -> bool:
        home = self.home(name)
        if not recheck and is_untouched(home):
            return True
        if not is_marked(home):
            return False
        wrong = verify(home)
        for one in wrong:
            report(f"damaged in the cache, so {name} is built anew: {one}")
        return not wrong

    def _partial(self, engine: Engine) -> Path:
        """Survives an interruption, so that the next attempt fetches only what is still missing."""
        return self.root / "engines" / f".{engine.home_name}.partial"

    def _fetch(self, lacking: Sequence[Engine], report: Report) -> None:
        if foreign := [f"{one.name}: made for {', '.join(one.made_for)}" for one in lacking if one.made_for]:
            raise ArtifactError(f"not for a machine like this ({platform.machine()}); {'; '.join(foreign)}")
        wanted = [
            Download(artifact=artifact, folder=self._partial(engine) / "downloads")
            for engine in lacking
            for artifact in engine.artifacts
        ]
        for folder in {download.folder for download in wanted}:
            folder.mkdir(parents=True, exist_ok=True)
        absent = [download for download in wanted if _wrong_digest(download) is not None]
        kept = len(wanted) - len(absent)
        if kept:
            report(f"{kept} of {len(wanted)} artifacts are already there")
        self._ask_clients(absent, report)
        _refuse_wrong(absent)

    def _ask_clients(self, absent: Sequence[Download], report: Report) -> None:
        """Every source at the same time, as they are different clients that wait for the network."""
        by_source = {
            d.artifact.source: [x for x in absent if x.artifact.source == d.artifact.source] for d in absent
        }
        with ThreadPoolExecutor(max_workers=max(1, len(by_source))) as pool:
            asked = [
                pool.submit(self.clients[source].fetch, downloads, report=report)
                for source, downloads in by_source.items()
            ]
        if failures := [str(error) for one in asked if (error := one.exception()) is not None]:
            raise ArtifactError("\n".join(failures))

    def _build(self, engine: Engine, report: Report) -> None:
        """Build beside the final place and rename, so that a home is whole or not there at all."""
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
    """None if the file is there with the locked digest. A file with another digest is removed."""
    artifact = download.artifact
    found = sha256_of(download.path) if download.path.is_file() else "no file"
    if found == artifact.sha256:
        return None
    download.path.unlink(missing_ok=True)
    return WrongDigest(artifact=artifact.coordinates, wanted=artifact.sha256, found=found)


def _refuse_wrong(downloads: Sequence[Download]) -> None:
    if wrong := [one for download in downloads if (one := _wrong_digest(download)) is not None]:
        raise refusal(wrong)
