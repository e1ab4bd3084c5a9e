"""Running the registries' usual clients, which know the user's mirrors, proxies and credentials."""

from __future__ import annotations

import os
import subprocess
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from harness.artifacts.coordinates import LockedArtifact
from harness.base.errors import ArtifactError

if TYPE_CHECKING:  # slow to import; keeps warm starts fast
    from harness.base.report import Report

_KEPT_LINES = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """An artifact to fetch and its target folder."""

    artifact: LockedArtifact
    folder: Path

    @property
    def path(self) -> Path:
        """The target file."""
        return self.folder / self.artifact.file_name


class Client(Protocol):
    """Fetches artifacts from one source. The caller verifies them."""

    def fetch(self, downloads: Sequence[Download], *, report: Report) -> None:
        """Put every file in its place. Raises ``ArtifactError`` with a remedy."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientFailed(Exception):
    """A client ended with an error; ``tail`` holds its last lines of output."""

    exit_code: int
    tail: str


def run_client(
    argv: Sequence[str],
    *,
    cwd: Path,
    on_line: Callable[[str], None],
    environment: Mapping[str, str] = os.environ,
) -> None:
    """Run a client and pass on each line it prints. Raises ``ClientFailed``, ``FileNotFoundError``."""
    tail: deque[str] = deque(maxlen=_KEPT_LINES)
    with subprocess.Popen(
        argv,
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None  # noqa: S101 -- a pipe was asked for
        for line in process.stdout:
            tail.append(line.rstrip())
            on_line(line.rstrip())
    if process.returncode != 0:
        raise ClientFailed(exit_code=process.returncode, tail="\n".join(tail))


def fetch_error(client: str, subject: str, failed: ClientFailed, hint: str) -> ArtifactError:
    """The error for a client that could not fetch something."""
    return ArtifactError(
        f"{client} could not fetch {subject} (exit code {failed.exit_code}). Last lines:\n{failed.tail}\n"
        f"{hint} Files fetched so far are kept: run the same command again."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongDigest:
    """A file whose content differs from the lock."""

    artifact: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.artifact}: SHA-256 expected {self.expected}, found {self.found}"


def digest_error(wrong: Sequence[WrongDigest]) -> ArtifactError:
    """The error that lists each rejected file with both digests."""
    listed = "\n".join(f"  - {one}" for one in wrong)
    return ArtifactError(
        f"rejected for a wrong digest, and removed from the cache:\n{listed}\n"
        "If a download was damaged, remove the file from the client's own cache too (Maven: its folder in "
        "the local repository; pip: `pip cache purge`) and run again. If it happens again, the mirror serves "
        "something else under this name: do not use it."
    )
