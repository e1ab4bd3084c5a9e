"""SHA-256 of files, and what to say when one is not the digest that was wanted."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.base.errors import ArtifactError


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongDigest:
    """A file whose content is not what the lock says."""

    artifact: str
    wanted: str
    found: str

    def __str__(self) -> str:
        return f"{self.artifact}: SHA-256 wanted {self.wanted}, found {self.found}"


def refusal(wrong: Sequence[WrongDigest]) -> ArtifactError:
    """The error that names each refused file with the digest wanted and the digest found."""
    listed = "\n".join(f"  - {one}" for one in wrong)
    return ArtifactError(
        f"refused for a wrong digest, and removed from the cache:\n{listed}\n"
        "A damaged download is mended by removing the file from the client's own cache too (Maven: its "
        "folder under the local repository; pip: `pip cache purge`) and running again. If it happens again, "
        "the mirror serves something else under this name: do not use it."
    )


def sha256_of(path: Path) -> str:
    """The file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
