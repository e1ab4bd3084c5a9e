"""Atomic writes, independent copies, safe checks of file names, and the folder of scenarios."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

SCENARIOS: Final = Path(__file__).resolve().parents[2] / "scenarios"
"""The product's scenarios, with ``topologies/`` and ``traces/``, in a checkout or an installed wheel."""
_FICLONE: Final = 0x40049409
"""Linux's request to let two files share their blocks until one of them is written to."""


def is_file(path: Path) -> bool:
    """Whether the path is a regular file; False for an invalid name or one that may not be accessed."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file atomically: readers never see a partial file, and no link is followed."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def copy_file(source: Path, target: Path) -> None:
    """Copy ``source`` to ``target``; later writes to either do not affect the other.

    Takes neither time nor space where the file system can share blocks.
    """
    with source.open("rb") as read, target.open("wb") as written:
        try:
            fcntl.ioctl(written, _FICLONE, read.fileno())
        except OSError:
            shutil.copyfileobj(read, written)


def sha256_of(path: Path) -> str:
    """The file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
