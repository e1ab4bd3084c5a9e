"""The content of a newly formatted Kafka disk: the features that the release enables."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from harness.artifacts import cache_dir
from harness.base.errors import PlatformError
from harness.services.jvm import jvm_of
from harness.services.protocol import Cluster

_TIMEOUT_S = 60


def bootstrap_checkpoint(cluster: Cluster) -> bytes:
    """The file ``bootstrap.checkpoint``: independent of the node, so it is created once and cached.

    Only Kafka's own tool knows a release's features; it starts a virtual machine and takes 2 s.
    Raises ``PlatformError``.
    """
    kept = cache_dir() / "derived" / cluster.home.name / "bootstrap.checkpoint"
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as scratch:
            _format(cluster, Path(scratch)).replace(kept)
    return kept.read_bytes()


def _format(cluster: Cluster, scratch: Path) -> Path:
    settings = scratch / "server.properties"
    settings.write_text(
        "process.roles=broker,controller\nnode.id=1\ncontroller.quorum.voters=1@127.0.0.1:9093\n"
        "listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093\n"
        f"controller.listener.names=CONTROLLER\nlog.dirs={scratch}/data\n"
    )
    tool = subprocess.run(
        [
            *(str(jvm_of(cluster).java.executable), "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"),
            *("-cp", f"{cluster.home}/lib/*", "kafka.tools.StorageTool", "format"),
            *("--config", str(settings), "--cluster-id", "AAAAAAAAAAAAAAAAAAAAAQ"),
        ],
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    made = scratch / "data" / "bootstrap.checkpoint"
    if tool.returncode != 0 or not made.is_file():
        raise PlatformError(f"Kafka's StorageTool wrote no bootstrap.checkpoint:\n{tool.stdout}{tool.stderr}")
    return made
