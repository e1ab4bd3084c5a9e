"""What a load's processes know about workers that join it from other machines."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from harness.base.files import sha256_of, write_atomically

LOOPBACK: Final = "127.0.0.1"
EVERYWHERE: Final = "0.0.0.0"  # noqa: S104 -- only compared with; nothing listens there unless asked to
PORT: Final = 5557
"""Locust's own."""
SharedName = Literal["plan.parquet", "trace.batches", "trace.index.parquet"]
"""A file that a worker may need, by its name in the worker's folder."""


class Listens(BaseModel):
    """Where the master of a load listens for its workers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = LOOPBACK
    port: int = Field(default=PORT, ge=1, le=65535)


class Joining(Listens):
    """How many workers join a load, and where its master listens for them."""

    workers: int = Field(ge=1, le=64)


class FileFacts(BaseModel):
    """What is known about a file before it arrives."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    size: int = Field(ge=0)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")

    @staticmethod
    def of(path: Path) -> FileFacts:
        """Read all of the file. Raises OSError."""
        return FileFacts(size=path.stat().st_size, sha256=sha256_of(path))


class SharedFile(BaseModel):
    """A file of the load that is sent to workers that lack it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path
    facts: FileFacts


class JoinConfig(BaseModel):
    """For the master of a load that waits for workers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    joining: Joining
    processes: int = Field(ge=1)
    """Workers of this machine, beside those that join."""
    files: dict[SharedName, SharedFile]
    gathered: Path
    """Where the master writes who has joined: ``Gathered``."""
    start: Path
    """Where the master finds the load's ``Clocks`` once they are known; they decide when it begins."""


class Gathered(BaseModel):
    """Who has joined so far."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hosts: tuple[str, ...] = ()
    """The hosts of workers that have everything they need."""
    problems: tuple[str, ...] = ()
    """Reasons of workers that cannot take part."""

    def __str__(self) -> str:
        there = f"{len(self.hosts)} joined" + (f" ({', '.join(self.hosts)})" if self.hosts else "")
        return "; ".join((there, *self.problems))

    def save(self, path: Path) -> None:
        """Replace the file in one step."""
        write_atomically(path, self.model_dump_json().encode())

    @staticmethod
    def load(path: Path) -> Gathered:
        """Read the file; nobody if it does not exist yet. Raises pydantic's ValidationError."""
        return Gathered.model_validate_json(path.read_bytes()) if path.is_file() else Gathered()
