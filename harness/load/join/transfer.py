"""Transfers files between machines: in chunks, in order, and trusted by their SHA-256 alone.

Names, sizes and chunks come from the other side and are not trusted: the receiver decides where a file goes,
and nothing exists under its name before its digest is verified.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import Final

from harness.load.workers.join_config import FileFacts

CHUNK_BYTES: Final = 1024 * 1024


def chunk_of(path: Path, offset: int) -> bytes:
    """The bytes after the offset, up to a chunk. Raises OSError, and ValueError for a negative offset."""
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(CHUNK_BYTES)


class Incoming:
    """One file that is arriving, kept beside its place until it is complete and verified."""

    def __init__(self, facts: FileFacts, target: Path) -> None:
        """Raises ValueError if the file exists already, or does not fit on the disk."""
        if target.exists():
            raise ValueError(f"{target.name} is there already")
        target.parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(target.parent).free
        if facts.size > free:
            raise ValueError(f"{target.name} has {facts.size:,} bytes, and {free:,} are free")
        self._facts, self._target = facts, target
        self._partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
        self._partial.write_bytes(b"")
        self._digest = hashlib.sha256()
        self.received = 0
        """Bytes; the next chunk begins here."""

    def add(self, data: bytes) -> bool:
        """Append the next chunk; True once the file is complete and verified.

        Raises ValueError for a chunk that cannot belong to it, and for a file that is not what was announced.
        """
        left = self._facts.size - self.received
        if len(data) > min(left, CHUNK_BYTES) or (left and not data):
            raise self._wrong(f"a chunk of {len(data):,} bytes where {left:,} are left")
        with self._partial.open("ab") as file:
            file.write(data)
        self._digest.update(data)
        self.received += len(data)
        if self.received < self._facts.size:
            return False
        if (found := self._digest.hexdigest()) != self._facts.sha256:
            raise self._wrong(f"SHA-256 wanted {self._facts.sha256}, found {found}")
        self._partial.replace(self._target)
        return True

    def _wrong(self, why: str) -> ValueError:
        self._partial.unlink(missing_ok=True)
        return ValueError(f"{self._target.name}: {why}")
