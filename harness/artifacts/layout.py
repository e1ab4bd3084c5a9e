"""Lays an engine's verified files out as the engine's home: ``lib/`` of jars, and folders out of archives."""

from __future__ import annotations

import os
import shutil
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import IO

from harness.artifacts.engines import Engine
from harness.base.errors import ArtifactError


def lay_out(engine: Engine, downloads: Path, home: Path) -> None:
    """Fill the folder ``home`` with the engine's files out of ``downloads``."""
    for artifact in engine.artifacts:
        source = downloads / artifact.file_name
        if artifact.source == "maven":
            _link(source, home / "lib" / artifact.file_name)
        else:
            _unpack(source, engine.spec.unpack, home)


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:  # a file system without hard links
        shutil.copy2(source, target)


def _unpack(archive: Path, rules: Mapping[str, str], home: Path) -> None:
    unused = set(rules)
    for member, content in _members(archive):
        for pattern, folder in rules.items():
            if (place := _place(member, pattern)) is not None:
                _write(content, home / folder / place)
                unused.discard(pattern)
    if unused:
        raise ArtifactError(f"{archive.name} holds nothing at {', '.join(sorted(unused))}")


def _place(member: str, pattern: str) -> PurePosixPath | None:
    """Where a member goes below its rule's folder, or None if the rule does not take it."""
    if pattern.endswith("/") and member.startswith(pattern):
        return PurePosixPath(member.removeprefix(pattern))
    return PurePosixPath(member).relative_to(PurePosixPath(pattern).parent) if member == pattern else None


def _members(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Every regular file of a wheel or a source archive; a name that leads out of it is refused."""
    reader = _zip_members if zipfile.is_zipfile(archive) else _tar_members
    for name, content in reader(archive):
        if ".." in PurePosixPath(name).parts or name.startswith("/"):
            raise ArtifactError(f"{archive.name} holds {name!r}, which leads out of the archive")
        yield name, content


def _zip_members(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(archive) as opened:
        for info in opened.infolist():
            if not info.is_dir():
                with opened.open(info) as content:
                    yield info.filename, content


def _tar_members(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with tarfile.open(archive) as opened:
        for info in opened:
            if (content := opened.extractfile(info) if info.isfile() else None) is not None:
                with content:
                    yield info.name, content


def _write(content: IO[bytes], target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        shutil.copyfileobj(content, file, 1 << 20)
    if target.suffix == ".zip":
        for name, inner in _members(target):
            _write(inner, target.parent / name)
        target.unlink()
