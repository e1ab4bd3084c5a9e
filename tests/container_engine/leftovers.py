"""What a Docker engine changes on a machine outside its own folders, and how that is undone."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import psutil

from harness.base.files import write_atomically
from tests.container_engine.machine import run

HIDDEN: Final = ("/etc/docker", "/opt/containerd", "/run/containerd", "/run/docker")
"""Folders that every engine writes to, wherever its own are. A private one gets empty ones in their place."""
_FORWARDING: Final = Path("/proc/sys/net/ipv4/ip_forward")
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
_CGROUPS: Final = Path("/sys/fs/cgroup")
_TABLES: Final = ("filter", "nat")
_IPTABLES: Final = ("iptables", "--wait", "10")


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """The machine before an engine was started on it for the first time since it booted."""

    boot: str
    forwarding: str
    """Whether the machine forwards packets: an engine turns that on."""
    forward_policy: str
    """What becomes of a packet that no rule is for: an engine drops it."""
    missing: tuple[str, ...]
    """Those of the hidden folders that were not there."""


def record(path: Path) -> None:
    """Write down how the machine is before an engine starts, unless that was done since it booted.

    Raises ``PlatformError``.
    """
    if is_of_this_boot(path):
        return
    policy = run(*_IPTABLES, "-S", "FORWARD").split()[2]  # the first line is `-P FORWARD ACCEPT`
    before = Before(
        boot=_BOOT.read_text(),
        forwarding=_FORWARDING.read_text(),
        forward_policy=policy,
        missing=tuple(name for name in HIDDEN if not Path(name).exists()),
    )
    write_atomically(path, json.dumps(asdict(before)).encode())


def is_of_this_boot(path: Path) -> bool:
    """Whether an engine was started, and not taken down, since the machine booted."""
    return path.exists() and json.loads(path.read_text())["boot"] == _BOOT.read_text()


def undo(path: Path) -> None:
    """Make the firewall, forwarding and folders what they were. Raises ``PlatformError``."""
    if is_of_this_boot(path):
        before = Before(**json.loads(path.read_text()))
        for table in _TABLES:
            _remove_rules(table)
        run(*_IPTABLES, "-P", "FORWARD", before.forward_policy)
        _FORWARDING.write_text(before.forwarding)
        for name in before.missing:
            _remove_if_empty(Path(name))
    path.unlink(missing_ok=True)


def remove_cgroups(name: str) -> None:
    """Remove the control groups of the engine's containers, which it leaves behind empty."""
    for parent in (_CGROUPS, *_CGROUPS.iterdir()):
        if (parent / name).is_dir():
            for group in sorted((parent / name).rglob("*/"), reverse=True):
                group.rmdir()
            (parent / name).rmdir()


def unmount(folder: Path) -> None:
    """Unmount whatever is mounted in the folder, so that it can be removed. Raises ``PlatformError``."""
    mounted = [Path(part.mountpoint) for part in psutil.disk_partitions(all=True)]
    for point in sorted(mounted, reverse=True):
        if point.is_relative_to(folder):
            run("umount", str(point))


def _remove_rules(table: str) -> None:
    """Remove the chains of the engine, and the rules that lead to them."""
    rules = [shlex.split(line) for line in run(*_IPTABLES, "-t", table, "-S").splitlines()]
    chains = [name for option, name, *_ in rules if option == "-N" and name.startswith("DOCKER")]
    for option, chain, *rule in rules:
        if option == "-A" and chain not in chains and any(name in rule for name in chains):
            run(*_IPTABLES, "-t", table, "-D", chain, *rule)
    for option in ("-F", "-X"):
        for chain in chains:
            run(*_IPTABLES, "-t", table, option, chain)


def _remove_if_empty(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
