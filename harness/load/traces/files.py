"""Which files a mapping names: one, several, those of a pattern, or all of a folder."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

_PATTERN: Final = frozenset("*?[")
_NOT_DATA: Final = (".", "_")
"""What the names of files begin with that are about the others: ``_SUCCESS``, ``.part-0.crc``."""


def files_named(names: Sequence[str], folder: Path) -> tuple[Path, ...]:
    """The files that a mapping in ``folder`` names, each once: name by name, those of one name sorted."""
    found = (path for name in names for path in files_of(name, folder))
    return tuple({path.resolve(): path for path in found}.values())


def files_of(name: str, folder: Path) -> list[Path]:
    """The files of one name. A file or a folder of just that name comes before the pattern that it may be."""
    path = folder / name
    if path.is_file():
        return [path]
    if path.is_dir():
        return sorted(_data_files(path))
    if _PATTERN.isdisjoint(name):
        return []
    matches = glob.iglob(str(Path(glob.escape(str(folder))) / name), recursive=True)
    return sorted(match for match in map(Path, matches) if match.is_file())


def nothing_found(name: str, folder: Path) -> str:
    """Why a name has no files, after the name itself."""
    if (folder / name).is_dir():
        return ", a folder without files"
    return "" if _PATTERN.isdisjoint(name) else ", which no file matches"


def _data_files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        if path.is_file() and not any(part.startswith(_NOT_DATA) for part in parts):
            yield path
