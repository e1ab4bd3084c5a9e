"""Unpacks a trace file: removes compression and a byte-order mark.

Files are unpacked completely, because DuckDB would not verify their ends and checksums.
"""

from __future__ import annotations

import bz2
import gzip
import re
import shutil
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import IO, Final, cast

import pyarrow as pa

from harness.base.errors import InvalidInput, Problem

_CHUNK: Final = 2**20
_HEAD_BYTES: Final = 16
_BOM: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compression:
    name: str
    ending: str
    magic: re.Pattern[bytes]
    open: Callable[[Path], IO[bytes]] | None
    """None for an unsupported compression, which is refused by name."""


def _gzip(path: Path) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path))


def _bzip2(path: Path) -> IO[bytes]:
    return cast(IO[bytes], bz2.open(path))


def _zstd(path: Path) -> IO[bytes]:
    return cast(IO[bytes], pa.input_stream(str(path), compression="zstd"))


_COMPRESSIONS: Final = (
    _Compression(name="gzip", ending=".gz", magic=re.compile(rb"\x1f\x8b"), open=_gzip),
    _Compression(
        name="bzip2", ending=".bz2", magic=re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)"), open=_bzip2
    ),
    _Compression(name="Zstandard", ending=".zst", magic=re.compile(rb"\x28\xb5\x2f\xfd"), open=_zstd),
    _Compression(name="xz", ending=".xz", magic=re.compile(rb"\xfd7zXZ\x00"), open=None),
    _Compression(name="ZIP", ending=".zip", magic=re.compile(rb"PK\x03\x04"), open=None),
)
_ALLOWED: Final = "plain text, or compressed with gzip (.gz), bzip2 (.bz2) or Zstandard (.zst)"
_ENDINGS: Final[Mapping[str, _Compression]] = MappingProxyType({c.ending: c for c in _COMPRESSIONS})


def unpack(path: Path, alias: Path) -> None:
    """Write a file's text to ``alias``, without compression or byte-order mark.

    A file that has neither is linked. The compression is recognised by content. Raises InvalidInput for an
    unreadable, damaged or unsupported file.
    """
    try:
        _unpack(path, alias)
    except OSError as error:
        raise _refused(path, error.strerror or str(error), "a readable file") from error


def _unpack(path: Path, alias: Path) -> None:
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
        compression = next((c for c in _COMPRESSIONS if c.magic.match(head)), None)
        if compression is None:
            _require_plain(path, head)
            if not head.startswith(_BOM):
                alias.symlink_to(path.resolve())
                return
            file.seek(0)
            _copy_text(file, alias)
            return
    if compression.open is None:
        raise _refused(path, f"a file compressed with {compression.name}", _ALLOWED)
    try:
        with compression.open(path) as stream:
            _copy_text(stream, alias)
    except (OSError, EOFError, zlib.error) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # an error of the system, such as a full disk, not of the data
        raise _damaged(path, compression, error) from error


def _require_plain(path: Path, head: bytes) -> None:
    named = _ENDINGS.get(path.suffix.lower())
    if head and named is not None:
        raise _refused(
            path, f"data that is not {named.name}, although the name ends in {path.suffix}", _ALLOWED
        )


def _copy_text(stream: IO[bytes], alias: Path) -> None:
    with alias.open("wb") as target:
        target.write(stream.read(_CHUNK).removeprefix(_BOM))
        shutil.copyfileobj(stream, target, _CHUNK)


def _damaged(path: Path, compression: _Compression, error: Exception) -> InvalidInput:
    cut = isinstance(error, EOFError) or "Truncated" in str(error)
    found = (
        f"{compression.name} data that is cut off: its end is missing"
        if cut
        else f"{compression.name} data that is damaged: it does not match its checksums"
    )
    return _refused(path, found, "the complete file as it was written; get it again")


def _refused(path: Path, found: str, allowed: str) -> InvalidInput:
    return InvalidInput([Problem(where=str(path), found=found, allowed=allowed)])
