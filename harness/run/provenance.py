"""Where a run comes from: the product's commit, the machine, and the versions that matter."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import psutil

from pipeline.hot.write_log import boot

_PACKAGES = ("confluent-kafka", "cassandra-driver", "locust", "duckdb")


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Facts that a reader needs to repeat a run, or to doubt it."""

    commit: str
    machine: Mapping[str, str]
    versions: Mapping[str, str]

    @staticmethod
    def here() -> Provenance:
        """Collect the facts of this machine and this checkout."""
        return Provenance(
            commit=_commit(Path(__file__).parent),
            machine={
                "cores": str(os.cpu_count()),
                "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
                "kernel": platform.release(),
                "architecture": platform.machine(),
                "boot": boot(),
            },
            versions={
                "python": platform.python_version(),
                **{name: metadata.version(name) for name in _PACKAGES},
            },
        )


def _commit(folder: Path) -> str:
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--abbrev=12", "--exclude=*", "--dirty"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return described.stdout.strip()
