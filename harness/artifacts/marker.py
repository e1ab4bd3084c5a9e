"""The marker of a verified home: sizes, times and digests, so that warm starts need not hash files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from harness.artifacts.clients import WrongDigest
from harness.base.files import sha256_of

_NAME: Final = ".verified.json"
_Entry = tuple[int, int, str]
"""Size in bytes, modification time in nanoseconds, SHA-256."""


def write_marker(home: Path) -> None:
    """Record every file of a home just built from verified artifacts."""
    _save(home, {str(path.relative_to(home)): _entry(path, sha256_of(path)) for path in _files(home)})


def is_untouched(home: Path) -> bool:
    """Whether the home is complete and no file's size or time has changed since it was verified."""
    recorded = _load(home)
    return bool(recorded) and all(_stat(home / name) == entry[:2] for name, entry in recorded.items())


def verify(home: Path) -> list[WrongDigest]:
    """Hash every file and return those damaged or missing; if there are none, record the current times."""
    recorded = _load(home)
    found = {name: _digest(home / name) for name in recorded}
    wrong = [
        WrongDigest(artifact=f"{home.name}/{name}", expected=entry[2], found=found[name])
        for name, entry in recorded.items()
        if found[name] != entry[2]
    ]
    if recorded and not wrong:
        _save(home, {name: _entry(home / name, entry[2]) for name, entry in recorded.items()})
    return wrong


def is_marked(home: Path) -> bool:
    """Whether the home was complete once."""
    return bool(_load(home))


def _files(home: Path) -> list[Path]:
    return sorted(path for path in home.rglob("*") if path.is_file() and path.name != _NAME)


def _entry(path: Path, sha256: str) -> _Entry:
    status = path.stat()
    return status.st_size, status.st_mtime_ns, sha256


def _stat(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_size, status.st_mtime_ns


def _digest(path: Path) -> str:
    return sha256_of(path) if path.is_file() else "no file"


def _load(home: Path) -> dict[str, _Entry]:
    try:
        entries = json.loads((home / _NAME).read_text())
    except (FileNotFoundError, ValueError):  # missing or truncated: the home counts as unverified
        return {}
    return {name: (size, modified_ns, sha256) for name, (size, modified_ns, sha256) in entries.items()}


def _save(home: Path, entries: dict[str, _Entry]) -> None:
    unfinished = home / f"{_NAME}.new"
    unfinished.write_text(json.dumps(entries))
    unfinished.replace(home / _NAME)
