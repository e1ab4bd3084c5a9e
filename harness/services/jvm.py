"""Launches an engine on the Java virtual machine, with an options file and an archive of its classes.

Reading, verifying and laying out classes takes most of the processor time of an engine's start. With
class-data sharing, the virtual machine archives the loaded classes when it exits and maps the archive at the
next start. It ignores the archive if Java, the class path, or the size or time of a jar has changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from harness.artifacts import cache_dir
from harness.artifacts.java import JavaHome
from harness.base.errors import PlatformError
from harness.scenario.topology import Jit
from harness.services.protocol import Cluster, Jvm, Launch, Node
from harness.services.templates import render

MIB: Final = 2**20
OPTIONS_FILE: Final = "jvm.options"


def java_launch(
    node: Node,
    cluster: Cluster,
    *,
    options: str,
    main: str,
    jit: Jit | None = None,
    jars: Sequence[Path] = (),
    arguments: Sequence[str] = (),
    files: Mapping[Path, str | bytes],
    env: Mapping[str, str] | None = None,
) -> Launch:
    """Launch the class ``main`` with all jars of the engine and the rendered ``options``, one per line.

    ``jars`` lie outside the engine's home and come first on the class path. ``jit`` overrides the topology's
    compiler.

    The class path has a fixed order, as an archive of loaded classes is valid for one order only.
    """
    jvm = jvm_of(cluster)
    archive = _class_archive(node, cluster, jvm.java)
    common = render(
        "jvm.options.j2",
        archive_option=archive.option,
        jit=jit or jvm.jit,
        tmp=node.tmp_dir,
        class_path=":".join(str(jar) for jar in (*jars, *sorted(cluster.home.glob("lib/*.jar")))),
        log_dir=node.data_dir,
    )
    options_file = node.conf_dir / OPTIONS_FILE
    return Launch(
        argv=(str(jvm.java.executable), f"@{options_file}", main, *arguments),
        env=env or {},
        files={**files, options_file: options + common},
        keep=archive.keep,
    )


def jvm_of(cluster: Cluster) -> Jvm:
    """The cluster's Java. Raises ``PlatformError`` if its service does not declare ``needs_java``."""
    if cluster.jvm is None:
        raise PlatformError(f"{cluster.home.name} needs Java, but its service does not declare needs_java")
    return cluster.jvm


@dataclass(frozen=True, slots=True, kw_only=True)
class _ClassArchive:
    """A node's use of its role's archive: map it, create it, or neither."""

    option: str = ""
    """For the virtual machine."""
    keep: Mapping[Path, Path] = field(default_factory=dict)


def _class_archive(node: Node, cluster: Cluster, java: JavaHome) -> _ClassArchive:
    """Use the role's archive if it exists; otherwise the role's first node creates it at a clean exit."""
    name = f"{node.spec.role}-java-{java.version}.jsa"
    archive = cache_dir() / "derived" / cluster.home.name / name
    if archive.is_file():
        return _ClassArchive(option=f"-XX:SharedArchiveFile={archive}")
    if node.spec.index == 0:
        made = node.data_dir / name
        return _ClassArchive(option=f"-XX:ArchiveClassesAtExit={made}", keep={made: archive})
    return _ClassArchive()
