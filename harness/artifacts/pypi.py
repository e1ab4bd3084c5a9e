"""pip: fetches archives of PyPI projects, which are unpacked and never installed."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from harness.artifacts.clients import (
    ClientFailed,
    Download,
    WrongDigest,
    digest_error,
    fetch_error,
    run_client,
)
from harness.artifacts.coordinates import LockedArtifact, PypiCoordinates
from harness.artifacts.engines import EngineSpec
from harness.base.files import sha256_of

if TYPE_CHECKING:  # slow to import; keeps warm starts fast
    from harness.base.report import Report

_HINT: Final = "Check the network, and the index and proxy in pip's settings (`pip config list`)."
_MIB: Final = 2**20
_PLATFORMS: Final = ("manylinux_2_28", "manylinux_2_17", "manylinux2014", "linux")
"""Wheel tags for Linux with a C library that every supported system has."""


class Pip:
    """Downloads with this environment's pip."""

    def fetch(self, downloads: Sequence[Download], *, report: Report) -> None:
        """Download every archive into its folder."""
        for download in downloads:
            # pip runs a source archive's setup code to read its metadata, so it must check the digest first.
            pinned = PypiCoordinates.parse(download.artifact.coordinates).pinned
            report(f"fetching {download.artifact.file_name} with pip")
            _download(
                pinned,
                f"{pinned} --hash=sha256:{download.artifact.sha256}",
                download.folder,
                _progress(download.artifact.file_name, report),
            )


def resolve(spec: EngineSpec) -> tuple[LockedArtifact, ...]:
    """Download an engine's archives from PyPI, and return each with its digest."""
    return tuple(_resolve(coordinates) for coordinates in spec.pypi)


def _resolve(coordinates: str) -> LockedArtifact:
    parsed = PypiCoordinates.parse(coordinates)
    with tempfile.TemporaryDirectory() as folder:
        _download(parsed.pinned, parsed.pinned, Path(folder), lambda _: None, *_wheel_for(parsed.machine))
        (archive,) = Path(folder).iterdir()
        return LockedArtifact(
            source="pypi", coordinates=coordinates, file_name=archive.name, sha256=sha256_of(archive)
        )


def _wheel_for(machine: str) -> tuple[str, ...]:
    """pip's options to download the wheel for one machine type on any machine."""
    if not machine:
        return ()
    return ("--only-binary=:all:", *(f"--platform={platform}_{machine}" for platform in _PLATFORMS))


def _download(
    coordinates: str, requirement: str, folder: Path, on_line: Callable[[str], None], *options: str
) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        requirements = Path(scratch, "requirements.txt")
        requirements.write_text(requirement + "\n")
        pip = (sys.executable, "-m", "pip", "download", "--no-deps", "--no-input", "--progress-bar", "raw")
        argv = (*pip, *options, "--dest", str(folder), "-r", str(requirements))
        try:
            run_client(argv, cwd=folder, on_line=on_line)
        except ClientFailed as failed:
            if wrong := _wrong_digest(coordinates, failed.tail):
                raise digest_error([wrong]) from failed
            raise fetch_error("pip", coordinates, failed, _HINT) from failed


def _wrong_digest(coordinates: str, output: str) -> WrongDigest | None:
    match = re.search(r"Expected sha256 (?P<expected>[0-9a-f]{64})\s+Got\s+(?P<found>[0-9a-f]{64})", output)
    return match and WrongDigest(artifact=coordinates, expected=match["expected"], found=match["found"])


def _progress(file_name: str, report: Report) -> Callable[[str], None]:
    """Report every tenth of a download, from pip's ``Progress <bytes> of <bytes>`` lines."""
    reported = 0

    def on_line(line: str) -> None:
        nonlocal reported
        match = re.fullmatch(r"Progress (\d+) of (\d+)", line)
        if match is None or int(match[2]) == 0:
            return
        done, total = int(match[1]), int(match[2])
        if (tenth := 10 * done // total) > reported:
            reported = tenth
            report(f"{file_name}: {done // _MIB} of {total // _MIB} MiB")

    return on_line
