"""The ordinary clients of the registries, which know the user's mirrors, proxies and credentials."""

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

if TYPE_CHECKING:  # its module is slow to import, and a warm start should not be
    from harness.base.report import Report

_KEPT_LINES = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """An artifact that is to be fetched, and the folder that it goes into."""

    artifact: LockedArtifact
    folder: Path

    @property
    def path(self) -> Path:
        """Where the file will lie."""
        return self.folder / self.artifact.file_name


class Client(Protocol):
    """Fetches artifacts of one source. It need not verify them: its caller does."""

    def fetch(self, downloads: Sequence[Download], *, report: Report) -> None:
        """Put every file in its place. Raises ``ArtifactError`` that says what to do."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientFailed(Exception):
    """A client ended with an error; ``tail`` is the last of what it said."""

    exit_code: int
    tail: str


def run_client(
    argv: Sequence[str],
    *,
    cwd: Path,
    on_line: Callable[[str], None],
    environment: Mapping[str, str] = os.environ,
) -> None:
    """Run a client and hand on each line that it prints. Raises ``ClientFailed``, ``FileNotFoundError``."""
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


def gave_up(client: str, doing: str, failed: ClientFailed, hint: str) -> ArtifactError:
    """The error for a client that could not fetch something."""
    return ArtifactError(
        f"{client} could not fetch {doing} (exit code {failed.exit_code}). Its last lines:\n{failed.tail}\n"
        f"{hint} What was fetched is kept: run the same command again."
    )
