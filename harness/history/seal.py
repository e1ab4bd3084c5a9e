"""The seal of a history: the name, the length and the SHA-256 of every file that a verdict rests on.

A run is sealed when all of its processes have ended (harness/run/run.py), also when it failed or was
interrupted.
Nothing is appended after that, the hot writers' logs included, so whatever differs from the seal later was
altered, cut, removed or added after the run. What differs is not read at all: a bit that was flipped shows in
no figure, and can neither acquit the platform nor convict it. A run that was killed has no seal. It did not
come to its end, so it cannot pass; what was cut there shows as far as its series have numbers and end marks
(harness/history/parquet_parts.py).

The seal holds its own SHA-256 and has one spelling only, so that damage to it is told from damage to what it
names. It guards against broken disks, halves of copies and edits by hand. It is no signature: who means to
deceive can seal again.
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

from harness.artifacts.digests import sha256_of
from harness.base.errors import first_line
from harness.base.files import write_atomically
from harness.history.renamed import table_now

SEAL: Final = "history/seal.json"
SCENARIO: Final = "scenario.json"
_HISTORY: Final = "history"
_TABLE: Final = re.compile(r"[a-z]+(_[a-z]+)*")


class SealedFile(BaseModel):
    """What is known of one file."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    bytes: int = Field(ge=0)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class Seal(BaseModel):
    """All files of a run that a verdict rests on, by their path from the run's folder."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    files: dict[str, SealedFile]

    def encoded(self) -> bytes:
        """The bytes of ``seal.json``, of which there is one spelling."""
        files = self.model_dump()["files"]
        option = orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        digest = sha256(orjson.dumps(files, option=option)).hexdigest()
        return orjson.dumps({"files": files, "sha256": digest}, option=option)

    @staticmethod
    def decoded(content: bytes) -> Seal:
        """The seal of these bytes. Raises ValueError for any others than ``encoded`` returns."""
        document = orjson.loads(content)
        if not isinstance(document, dict):
            raise ValueError("it is not a JSON object")
        seal = Seal.model_validate({"files": document.get("files")})
        if seal.encoded() != content:
            raise ValueError("its content is not what its own SHA-256 says")
        return seal


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What became of a history since it was sealed."""

    sealed: bool
    """Whether there is a seal that can be relied on, so that every file was compared with it."""
    unsealed_because: str = ""
    """What is wrong with the seal that is there; "" where there is none."""
    broken: Mapping[str, str]
    """What is wrong with each file that is not as it was sealed, by its path from the run's folder."""

    @property
    def tables(self) -> frozenset[str]:
        """The names that checks know the broken files by."""
        return frozenset(table_of(name) for name in self.broken)


def seal_history(run_dir: Path) -> None:
    """Write the seal, in one step. Raises OSError when a file cannot be read.

    To be called when nothing appends to the history any more.
    """
    files = {
        name: SealedFile(bytes=path.stat().st_size, sha256=sha256_of(path)) for name, path in _found(run_dir)
    }
    write_atomically(run_dir / SEAL, Seal(files=files).encoded())


def inspect_history(run_dir: Path) -> Inspection:
    """Compare every file with the seal. Reads no file that is not named by it, and follows no link."""
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
    """By which name checks need a file: ``operations`` of ``history/operations/worker-0-000001.parquet``.

    Tables are folders or files of their name; ``hot_writes-1.jsonl`` is a part of ``hot_writes``.
    """
    named = _TABLE.match(name.removeprefix(f"{_HISTORY}/"))
    return table_now(named[0]) if named else name


def _found(run_dir: Path) -> Iterator[tuple[str, Path]]:
    """Every file that belongs into the seal, by its name in it."""
    if os.path.lexists(run_dir / SCENARIO):
        yield SCENARIO, run_dir / SCENARIO
    for folder, folders, files in os.walk(run_dir / _HISTORY):
        linked = [name for name in folders if Path(folder, name).is_symlink()]
        for path in (Path(folder, name) for name in (*files, *linked)):
            if (name := _readable(path.relative_to(run_dir))) != SEAL:
                yield name, path


def _readable(path: Path) -> str:
    """The path as text that can be printed and written, whatever bytes somebody named a file by."""
    return os.fsencode(path.as_posix()).decode(errors="backslashreplace")


def _differs(sealed: SealedFile | None, path: Path | None) -> str:
    """How a file differs from what was sealed; "" where it does not."""
    if path is None:
        return "it is missing"
    if sealed is None:
        return "it was added after the run, since the seal does not name it"
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode):
            return "it was replaced by a link or by something else that is not a regular file"
        if found.st_size != sealed.bytes:
            how = "cut" if found.st_size < sealed.bytes else "extended"
            return f"it was {how} from {sealed.bytes:,} to {found.st_size:,} bytes"
        return "" if sha256_of(path) == sealed.sha256 else "it was altered: its SHA-256 is not the sealed one"
    except OSError as error:
        return f"it cannot be read: {first_line(error)}"
