"""The seal of a history: the name, size and SHA-256 of every file that its verdict depends on.

A run is sealed after all its processes have ended (harness/run/run.py), even if it failed or was interrupted.
Nothing, including the hot writers' logs, is appended afterwards, so any difference from the seal means that a
file was altered, cut, removed or added after the run. Such files are not read at all: a flipped bit affects
no figure and no verdict on the platform. A killed run has no seal. It did not complete, so it cannot pass;
its missing parts are detected by their numbers and end marks (harness/history/parquet_parts.py).

The seal contains its own SHA-256 and has exactly one encoding, so that damage to the seal can be
distinguished from damage to the files. It protects against broken disks, incomplete copies and manual edits.
It is not a signature: anyone can seal a run again.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.base.errors import first_line
from harness.base.files import sha256_of, write_atomically
from harness.history.schema import current_table_name

SEAL: Final = "history/seal.json"
SCENARIO: Final = "scenario.json"
_HISTORY: Final = "history"
_TABLE: Final = re.compile(r"[a-z]+(_[a-z]+)*")


class SealedFile(BaseModel):
    """The recorded size and digest of one file."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    bytes: int = Field(ge=0)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class Seal(BaseModel):
    """All files that a run's verdict depends on, by path relative to the run's folder."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    files: dict[str, SealedFile]

    def encoded(self) -> bytes:
        """Encode as ``seal.json``, which has exactly one encoding."""
        files = self.model_dump()["files"]
        option = orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        digest = sha256(orjson.dumps(files, option=option)).hexdigest()
        return orjson.dumps({"files": files, "sha256": digest}, option=option)

    @staticmethod
    def decoded(content: bytes) -> Seal:
        """Decode a seal. Raises ValueError for bytes that ``encoded`` cannot return."""
        document = orjson.loads(content)
        if not isinstance(document, dict):
            raise ValueError("it is not a JSON object")
        seal = Seal.model_validate({"files": document.get("files")})
        if seal.encoded() != content:
            raise ValueError("its content does not match its own SHA-256")
        return seal


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """A history compared with its seal."""

    sealed: bool
    """Whether a valid seal exists, with which every file was compared."""
    unsealed_because: str = ""
    """What is wrong with an invalid seal; "" without a seal."""
    broken: Mapping[str, str]
    """What is wrong with each file that differs from the seal, by path relative to the run's folder."""

    @property
    def tables(self) -> frozenset[str]:
        """The broken files' tables, as checks name them."""
        return frozenset(table_of(name) for name in self.broken)


def seal_history(run_dir: Path) -> None:
    """Write the seal atomically. Raises OSError when a file cannot be read.

    Call it once nothing appends to the history any more.
    """
    files = {
        name: SealedFile(bytes=path.stat().st_size, sha256=sha256_of(path)) for name, path in _found(run_dir)
    }
    write_atomically(run_dir / SEAL, Seal(files=files).encoded())


def inspect_history(run_dir: Path) -> Inspection:
    """Compare every file with the seal. Reads only files that it lists, and follows no links."""
    path = run_dir / SEAL
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return Inspection(sealed=False, unsealed_because="it is not a regular file", broken={})
        seal = Seal.decoded(path.read_bytes())
    except FileNotFoundError:
        return Inspection(sealed=False, broken={})
    except (OSError, ValidationError, ValueError) as error:
        return Inspection(sealed=False, unsealed_because=first_line(error), broken={})
    found = dict(_found(run_dir))
    names = sorted(seal.files.keys() | found.keys())
    broken = {name: why for name in names if (why := _differs(seal.files.get(name), found.get(name)))}
    return Inspection(sealed=True, broken=broken)


def table_of(name: str) -> str:
    """Return a file's table: ``operations`` for ``history/operations/worker-0-000001.parquet``.

    Tables are folders or files of the same name; ``hot_writes-1.jsonl`` belongs to ``hot_writes``.
    """
    named = _TABLE.match(name.removeprefix(f"{_HISTORY}/"))
    return current_table_name(named[0]) if named else name


def _found(run_dir: Path) -> Iterator[tuple[str, Path]]:
    """Yield every file to be sealed, with its name in the seal."""
    if os.path.lexists(run_dir / SCENARIO):
        yield SCENARIO, run_dir / SCENARIO
    for folder, folders, files in os.walk(run_dir / _HISTORY):
        linked = [name for name in folders if Path(folder, name).is_symlink()]
        for path in (Path(folder, name) for name in (*files, *linked)):
            if (name := _printable(path.relative_to(run_dir))) != SEAL:
                yield name, path


def _printable(path: Path) -> str:
    """Return the path as valid UTF-8, even if the file's name is not."""
    return os.fsencode(path.as_posix()).decode(errors="backslashreplace")


def _differs(sealed: SealedFile | None, path: Path | None) -> str:
    """Return how a file differs from what was sealed, or ""."""
    if path is None:
        return "it is missing"
    if sealed is None:
        return "it was added after the run: the seal does not list it"
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode):
            return "it was replaced by a link or another special file"
        if found.st_size != sealed.bytes:
            how = "cut" if found.st_size < sealed.bytes else "extended"
            return f"it was {how} from {sealed.bytes:,} to {found.st_size:,} bytes"
        return (
            "" if sha256_of(path) == sealed.sha256 else "it was altered: its SHA-256 differs from the seal's"
        )
    except OSError as error:
        return f"it cannot be read: {first_line(error)}"
