"""Reads the facts that decide whether a machine can run Floodmark, and knows its package manager."""

from __future__ import annotations

import os
import platform
import resource
import shutil
import socket
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from harness.artifacts import default_cache
from harness.artifacts.java import JavaHome, installed_javas
from harness.services.protocol import Service
from harness.services.registry import SERVICES

PACKAGES: Final = {
    "apt-get": {"java": "openjdk-17-jre-headless", "maven": "maven"},
    "dnf": {"java": "java-17-openjdk-headless", "maven": "maven"},
    "zypper": {"java": "java-17-openjdk-headless", "maven": "maven"},
    "pacman": {"java": "jre17-openjdk-headless", "maven": "maven"},
    "apk": {"java": "openjdk17-jre-headless", "maven": "maven"},
    "brew": {"java": "openjdk@17", "maven": "maven"},
}
"""Package names by the package manager's command."""

_INSTALL: Final = {
    "apt-get": "apt-get update && {sudo}apt-get install -y --no-install-recommends",
    "dnf": "dnf install -y",
    "zypper": "zypper --non-interactive install",
    "pacman": "pacman -S --noconfirm",
    "apk": "apk add",
    "brew": "brew install",
}
PROBE_ADDRESS: Final = "127.91.0.1"
_CGROUP_LIMITS: Final = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def engine_ports(services: Collection[Service]) -> Mapping[int, str]:
    """The services' ports, each with the services that listen on it: ``{8081: "flink"}``."""
    names: dict[int, list[str]] = {}
    for service in services:
        for port in {port for role in service.roles.values() for port in role.ports}:
            names.setdefault(port, []).append(service.name)
    return {port: ", ".join(names[port]) for port in sorted(names)}


ENGINE_PORTS: Final = engine_ports(SERVICES.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A snapshot of one machine, from which its requirements are computed without side effects."""

    system: str
    """``Linux``, ``Darwin``."""
    package_manager: str
    """The command of the system's package manager, or "" if none is known."""
    is_root: bool
    python: tuple[int, int]
    javas: tuple[JavaHome, ...]
    java_is_chosen: bool
    """Whether ``FLOODMARK_JAVA_HOME`` names the only Java to consider."""
    maven: str
    """Path of ``mvn``, or ""."""
    engines_missing: tuple[str, ...]
    """Engines that are not in the cache yet."""
    cores: int
    memory_total_bytes: int
    memory_available_bytes: int
    cache: Path
    cache_free_bytes: int
    work_free_bytes: int
    """Free where runs are written: the current folder's disk."""
    open_files_max: int
    """The hard limit, up to which a JVM raises its own."""
    own_loopback_addresses: bool
    """Whether a process can listen on any address of 127.0.0.0/8."""
    ports_taken: tuple[int, ...]
    """Ports of the engines that something else listens on, on every address."""


def read_machine() -> Machine:
    """Inspect this machine. Changes nothing and leaves no process running."""
    cache = default_cache()
    memory = psutil.virtual_memory()
    limit_bytes = _memory_limit_bytes()
    own_addresses = _can_listen(PROBE_ADDRESS, 0)
    return Machine(
        system=platform.system(),
        package_manager=next((name for name in PACKAGES if shutil.which(name)), ""),
        is_root=os.geteuid() == 0,
        python=sys.version_info[:2],
        javas=tuple(installed_javas()),
        java_is_chosen="FLOODMARK_JAVA_HOME" in os.environ,
        maven=shutil.which("mvn") or "",
        engines_missing=cache.missing(),
        cores=os.cpu_count() or 1,
        memory_total_bytes=min(memory.total, limit_bytes),
        memory_available_bytes=min(memory.available, limit_bytes),
        cache=cache.root,
        cache_free_bytes=_free_bytes(cache.root),
        work_free_bytes=_free_bytes(Path.cwd()),
        open_files_max=_open_files_max(),
        own_loopback_addresses=own_addresses,
        ports_taken=tuple(p for p in ENGINE_PORTS if own_addresses and not _can_listen(PROBE_ADDRESS, p)),
    )


def _memory_limit_bytes() -> int:
    """The container's memory limit, or ``sys.maxsize`` without one."""
    limits = [Path(name).read_text().strip() for name in _CGROUP_LIMITS if Path(name).is_file()]
    return min((int(limit) for limit in limits if limit.isdigit()), default=sys.maxsize)


def _free_bytes(folder: Path) -> int:
    """Free bytes on the disk of the folder, which need not exist yet."""
    present = next(path for path in (folder, *folder.parents) if path.exists())
    return shutil.disk_usage(present).free


def _open_files_max() -> int:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return sys.maxsize if hard == resource.RLIM_INFINITY else hard


def _can_listen(address: str, port: int) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
        try:
            listener.bind((address, port))
        except OSError:
            return False
    return True


def install_command(package: str, package_manager: str, *, is_root: bool) -> str:
    """The shell command to install a package, or "" if the package manager is unknown."""
    if package_manager not in PACKAGES:
        return ""
    sudo = "" if is_root or package_manager == "brew" else "sudo "
    return f"{sudo}{_INSTALL[package_manager].format(sudo=sudo)} {PACKAGES[package_manager][package]}"
