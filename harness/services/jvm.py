"""Starts an engine on the Java virtual machine, its options in a file that it reads itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from harness.base.errors import PlatformError
from harness.scenario.topology import Jit
from harness.services.class_archive import class_archive
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
    """Start the class ``main`` with every jar of the engine, and the rendered ``options``, one per line.

    ``jars`` come first on the class path: parts of the engine that lie elsewhere. ``jit`` replaces the
    topology's choice of a compiler.

    The class path has a fixed order, as an archive of loaded classes is valid for one order only.
    """
    jvm = jvm_of(cluster)
    archive = class_archive(node, cluster, jvm.java)
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
    """What the cluster runs on. Raises ``PlatformError`` if its service does not declare ``needs_java``."""
    if cluster.jvm is None:
        raise PlatformError(f"{cluster.home.name} is started with Java, but its service does not need it")
    return cluster.jvm
