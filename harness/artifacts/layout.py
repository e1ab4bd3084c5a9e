"""Lays out an engine's verified files as its home: jars in ``lib/``, and folders from archives."""

from __future__ import annotations

import os
import shutil
import tarfile
import zipfile
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Final

from harness.artifacts.engines import Engine
from harness.base.errors import ArtifactError

_EXECUTABLE: Final = 0o111


def lay_out(engine: Engine, downloads: Path, home: Path) -> None:
    """Fill the folder ``home`` with the engine's files from ``downloads``.

    Programs in archives stay executable. Raises ``ArtifactError``.
    """
    archives = []
    for artifact in engine.artifacts:
        source = downloads / artifact.file_name
        if artifact.source == "maven":
            _link(source, home / "lib" / artifact.file_name)
        else:
            archives.append(source)
    used = {pattern for archive in archives for pattern in _unpack(archive, engine.spec.unpack, home)}
    if archives and (unused := engine.spec.unpack.keys() - used):
        names = ", ".join(archive.name for archive in archives)
        raise ArtifactError(f"{names}: no file matches {', '.join(sorted(unused))}")


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:  # a file system without hard links
        shutil.copy2(source, target)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Member:
    """A regular file in an archive."""

    name: str
    mode: int
    """Its permissions; 0 if the archive has none."""
    content: IO[bytes]


def _unpack(archive: Path, rules: Mapping[str, str], home: Path) -> Set[str]:
    """Unpack the members that match a rule; return the patterns that matched."""
    used = set()
    for member in _members(archive):
        for pattern, folder in rules.items():
            if (place := _place(member.name, pattern)) is not None:
                _write(member, home / folder / place)
                used.add(pattern)
    return used


def _place(member: str, pattern: str) -> PurePosixPath | None:
    """The member's path below the rule's folder; None if the rule does not match it."""
    if pattern.endswith("/") and member.startswith(pattern):
        return PurePosixPath(member.removeprefix(pattern))
    return PurePosixPath(member).relative_to(PurePosixPath(pattern).parent) if member == pattern else None


def _members(archive: Path) -> Iterator[_Member]:
    """Every regular file of a wheel or a source archive. Raises ``ArtifactError`` for a path outside it."""
    reader = _zip_members if zipfile.is_zipfile(archive) else _tar_members
    for member in reader(archive):
        if ".." in PurePosixPath(member.name).parts or member.name.startswith("/"):
            raise ArtifactError(
                f"{archive.name} has a member {member.name!r} that points outside the archive"
            )
        yield member


def _zip_members(archive: Path) -> Iterator[_Member]:
    with zipfile.ZipFile(archive) as opened:
        for info in opened.infolist():
            if not info.is_dir():
                with opened.open(info) as content:
                    yield _Member(name=info.filename, mode=info.external_attr >> 16, content=content)


def _tar_members(archive: Path) -> Iterator[_Member]:
    with tarfile.open(archive) as opened:
        for info in opened:
            if (content := opened.extractfile(info) if info.isfile() else None) is not None:
                with content:
                    yield _Member(name=info.name, mode=info.mode, content=content)


def _write(member: _Member, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        shutil.copyfileobj(member.content, file, 1 << 20)
    target.chmod(0o755 if member.mode & _EXECUTABLE else 0o644)
    if target.suffix == ".zip":
        for inner in _members(target):
            _write(inner, target.parent / inner.name)
        target.unlink()
