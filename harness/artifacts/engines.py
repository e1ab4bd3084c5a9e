"""The two committed files: ``engines.toml`` (requirements) and ``engines.lock`` (the exact files)."""

from __future__ import annotations

import hashlib
import json
import platform
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from harness.artifacts.coordinates import LockedArtifact, MavenCoordinates, PypiCoordinates
from harness.base.errors import ArtifactError

ENGINES_FILE: Final = Path(__file__).with_name("engines.toml")
LOCK_FILE: Final = Path(__file__).with_name("engines.lock")
_LOCK_HEADER: Final = """\
# Made by `make lock` from engines.toml: every file of every engine, with its SHA-256. Do not edit.
# It holds no registry address: the clients (Maven, pip) are used as the user has configured them.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSpec:
    """One table of ``engines.toml``, whose comments explain each field."""

    name: str
    maven: tuple[MavenCoordinates, ...] = ()
    transitive: bool = True
    exclude: tuple[str, ...] = ()
    pypi: tuple[str, ...] = ()
    unpack: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """An engine (or a data set) with its exact files."""

    spec: EngineSpec
    artifacts: tuple[LockedArtifact, ...]
    made_for: tuple[str, ...] = ()
    """The machine types it is built for; empty if it runs on this one."""

    @property
    def name(self) -> str:
        """The name of its table in ``engines.toml``."""
        return self.spec.name

    @property
    def home_name(self) -> str:
        """A folder name derived from the contents, so that two versions never share a folder."""
        content = [asdict(artifact) for artifact in self.artifacts], sorted(self.spec.unpack.items())
        return f"{self.name}-{hashlib.sha256(json.dumps(content).encode()).hexdigest()[:12]}"


def read_specs(path: Path = ENGINES_FILE) -> tuple[EngineSpec, ...]:
    """Read ``engines.toml``."""
    return tuple(_spec(name, table) for name, table in tomllib.loads(path.read_text()).items())


def _spec(name: str, table: Mapping[str, Any]) -> EngineSpec:
    return EngineSpec(
        name=name,
        maven=tuple(MavenCoordinates.parse(text) for text in table.get("maven", ())),
        transitive=table.get("transitive", True),
        exclude=tuple(table.get("exclude", ())),
        pypi=tuple(table.get("pypi", ())),
        unpack=table.get("unpack", {}),
    )


def read_engines(
    engines: Path = ENGINES_FILE, lock: Path = LOCK_FILE, *, machine: str | None = None
) -> dict[str, Engine]:
    """Every engine by name, with its files for this machine type, such as ``x86_64``.

    Raises ``ArtifactError`` if the lock does not match ``engines.toml``.
    """
    locked = _read_lock(lock)
    specs = {spec.name: spec for spec in read_specs(engines)}
    if locked.keys() != specs.keys() or not all(_covers(locked[name], spec) for name, spec in specs.items()):
        raise ArtifactError(f"{lock.name} does not match {engines.name}; run `make lock`")
    machine = machine or platform.machine()
    return {name: _for_machine(spec, locked[name], machine) for name, spec in specs.items()}


def _covers(locked: Collection[LockedArtifact], spec: EngineSpec) -> bool:
    required = {str(coordinates) for coordinates in spec.maven} | set(spec.pypi)
    return required <= {artifact.coordinates for artifact in locked}


def _for_machine(spec: EngineSpec, locked: Collection[LockedArtifact], machine: str) -> Engine:
    here = tuple(artifact for artifact in locked if artifact.machine in ("", machine))
    pinned = {PypiCoordinates.parse(a.coordinates).pinned for a in here if a.source == "pypi"}
    elsewhere = {
        a.machine for a in locked if a.machine and PypiCoordinates.parse(a.coordinates).pinned not in pinned
    }
    return Engine(spec=spec, artifacts=here, made_for=tuple(sorted(elsewhere)))


def _read_lock(path: Path) -> dict[str, tuple[LockedArtifact, ...]]:
    tables = tomllib.loads(path.read_text())
    return {name: tuple(_locked_artifacts(sources)) for name, sources in tables.items()}


def _locked_artifacts(sources: Mapping[str, Mapping[str, Any]]) -> Iterable[LockedArtifact]:
    for coordinates, sha256 in sources.get("maven", {}).items():
        file_name = MavenCoordinates.parse(coordinates).file_name
        yield LockedArtifact(source="maven", coordinates=coordinates, file_name=file_name, sha256=sha256)
    for coordinates, archive in sources.get("pypi", {}).items():
        yield LockedArtifact(
            source="pypi", coordinates=coordinates, file_name=archive["file"], sha256=archive["sha256"]
        )


def lock_text(engines: Collection[Engine]) -> str:
    """The text of ``engines.lock``: one line per artifact, in a stable order."""
    lines = [_LOCK_HEADER]
    for engine in engines:
        for source in ("maven", "pypi"):
            artifacts = sorted(_line(a) for a in engine.artifacts if a.source == source)
            lines += [f"[{engine.name}.{source}]", *artifacts, ""] if artifacts else []
    return "\n".join(lines)


def _line(artifact: LockedArtifact) -> str:
    if artifact.source == "maven":
        return f'"{artifact.coordinates}" = "{artifact.sha256}"'
    return f'"{artifact.coordinates}" = {{ file = "{artifact.file_name}", sha256 = "{artifact.sha256}" }}'
