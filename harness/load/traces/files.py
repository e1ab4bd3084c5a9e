"""Resolves the file names in a mapping: files, patterns and folders."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

_PATTERN: Final = frozenset("*?[")
_NOT_DATA: Final = (".", "_")
"""Prefixes of files that hold no data, such as ``_SUCCESS`` and ``.part-0.crc``."""


def files_named(names: Sequence[str], folder: Path) -> tuple[Path, ...]:
    """Return the files named by a mapping in ``folder``, each once, in the order of the names."""
    found = (path for name in names for path in files_of(name, folder))
    return tuple({path.resolve(): path for path in found}.values())


def files_of(name: str, folder: Path) -> list[Path]:
    """Return the sorted files of one name. A file or folder with exactly that name precedes a pattern."""
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
    """Explain why a name has no files, as a suffix to the name."""
    if (folder / name).is_dir():
        return ", a folder without files"
    return "" if _PATTERN.isdisjoint(name) else ", which no file matches"


def _data_files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        if path.is_file() and not any(part.startswith(_NOT_DATA) for part in parts):
            yield path
