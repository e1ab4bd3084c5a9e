"""Archives of loaded classes (class-data sharing): made once from a real run, then mapped by every start.

Most of the processor time of an engine's start goes into reading, checking and laying out classes. The
virtual machine can write down what it loaded when it ends, and map that at the next start. It checks by
itself that Java, the class path and each jar's size and time are those of the archive, and does without if
they are not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.artifacts import cache_dir
from harness.artifacts.java import JavaHome
from harness.services.protocol import Cluster, Node


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassArchive:
    """What one node does with its role's archive: use it, make it, or nothing."""

    option: str = ""
    """For the virtual machine."""
    keep: Mapping[Path, Path] = field(default_factory=dict)


def class_archive(node: Node, cluster: Cluster, java: JavaHome) -> ClassArchive:
    """Use the role's archive if there is one; else the role's first node makes it, when it ends in order."""
    name = f"{node.spec.role}-java-{java.version}.jsa"
    archive = cache_dir() / "derived" / cluster.home.name / name
    if archive.is_file():
        return ClassArchive(option=f"-XX:SharedArchiveFile={archive}")
    if node.spec.index == 0:
        made = node.data_dir / name
        return ClassArchive(option=f"-XX:ArchiveClassesAtExit={made}", keep={made: archive})
    return ClassArchive()
