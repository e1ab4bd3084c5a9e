"""Resolves a mapping to its trace (files or a generator), and computes the trace's digest."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Final

from harness.artifacts import data_file
from harness.base.documents import Document
from harness.base.errors import InvalidInput, Problem
from harness.base.report import Report
from harness.load.traces.files import files_named
from harness.load.traces.mapping import AnyMapping, GeneratedMapping, Mapping
from harness.load.traces.trace import AnyTrace, GeneratedTrace, Trace

GENERATED: Final = "generated"
"""The digest of every generated trace, which is determined by its mapping, the seed and the code."""


def trace_of(
    mapping: AnyMapping, document: Document, mapping_file: Path, *, seed: int, report: Report
) -> AnyTrace:
    """Return a mapping's trace. Raises ``ArtifactError`` if its data set cannot be fetched."""
    if isinstance(mapping, GeneratedMapping):
        return GeneratedTrace(generate=mapping.generate, seed=seed, document=document)
    paths = trace_paths(mapping, mapping_file, report=report)
    return Trace(paths=paths, mapping=mapping, document=document)


def trace_digest(trace: AnyTrace, *, cache: Path) -> str:
    """``digest_of`` a single file, a digest of several files' digests, or ``GENERATED``."""
    if isinstance(trace, GeneratedTrace):
        return GENERATED
    digests = [digest_of(path, cache=cache) for path in trace.paths]
    return digests[0] if len(digests) == 1 else hashlib.sha256(" ".join(digests).encode()).hexdigest()


def trace_paths(mapping: Mapping, mapping_file: Path, *, report: Report) -> tuple[Path, ...]:
    """Return a mapping's files, fetching its data set if necessary. Raises ``ArtifactError``."""
    if mapping.artifact is not None:
        return (data_file(mapping.artifact.package, mapping.artifact.member, report=report),)
    return files_named(mapping.file, mapping_file.parent)


def digest_of(path: Path, *, cache: Path) -> str:
    """The digest of a file's bytes, cached in ``cache`` until the file changes.

    Raises InvalidInput if the file cannot be read.
    """
    try:
        status = path.stat()
        identity = [
            str(path.resolve()),
            status.st_size,
            status.st_mtime_ns,
            status.st_ctime_ns,
            status.st_ino,
        ]
        memory = cache / "digests" / f"{hashlib.blake2b(json.dumps(identity).encode()).hexdigest()[:32]}.txt"
        if memory.is_file():
            return memory.read_text()
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        found = error.strerror or str(error)
        raise InvalidInput([Problem(where=str(path), found=found, allowed="a readable trace")]) from error
    memory.parent.mkdir(parents=True, exist_ok=True)
    partial = memory.with_suffix(f".partial-{digest[:8]}")
    partial.write_text(digest)
    partial.replace(memory)
    return digest
