"""Whether this machine can have a Docker engine, and what apt knows of it: packages, mirrors, settings."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from harness.base.errors import PlatformError
from harness.base.report import Report

_NEEDED_BYTES: Final = 2 * 10**9
"""Packages, the base image as a tarball and in the engine, and a first image built on it."""
_PACKAGES: Final[Mapping[str, str]] = {
    "dockerd": "docker.io",
    "iptables": "iptables",
    "debootstrap": "debootstrap",
    "ip": "iproute2",
}
"""The command that is needed, and the package of Debian that has it."""
_SYSTEM_FOLDERS: Final = "/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"
_POLICY: Final = Path("/usr/sbin/policy-rc.d")
"""Debian asks this program whether a service may start; 101 means that it may not."""
_LINES_OF_OUTPUT: Final = 15
_FOR_ANY_MACHINE: Final = re.compile(
    r"Acquire::(https?::Proxy[ :]|http::(?!Proxy)|Check-|Max-ValidTime|Retries|ForceIPv)"
)
"""Settings that say how to reach the mirrors, and name no file of this machine."""


@dataclass(frozen=True, slots=True)
class Apt:
    """What apt is told here, and an image must be told too."""

    debian: str
    """The mirror of Debian, as a URL."""
    security: str
    """The mirror of Debian's security updates; "" if apt uses none."""
    settings: str
    """Lines of configuration, such as proxies."""
    proxy: str
    """The HTTP proxy, as a URL; "" if there is none."""

    @property
    def https(self) -> bool:
        """Whether a mirror is reached by HTTPS, so that an image needs certificates."""
        return any(mirror.startswith("https:") for mirror in (self.debian, self.security))


def default_folder() -> Path:
    """Return the folder in which the engine lives unless another is chosen."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state"
    return Path(state) / "floodmark-container-engine"


def without_library() -> str:
    """Return what is wrong if Docker's Python library is not installed; "" if it is."""
    if find_spec("docker") is None:
        return "the Python package `docker` is not installed: make python EXTRAS='dev lake containers'"
    return ""


def refusal(folder: Path) -> str:
    """Return why no engine can be brought up on this machine in this folder; "" if it can be tried."""
    if os.geteuid() != 0:
        return "only root can bring up a Docker engine of its own"
    if (system := platform.freedesktop_os_release().get("ID")) != "debian":
        return f"the engine is made of Debian's packages, and this system is {system}"
    if shutil.which("apt-get", path=_path()) is None:
        return "the engine is installed with apt-get, which this system does not have"
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if (free := shutil.disk_usage(existing).free) < _NEEDED_BYTES:
        return (
            f"{folder} has {free / 1e9:.1f} GB of free disk; the engine needs {_NEEDED_BYTES / 1e9:.0f} GB. "
            "Free some, or choose another folder with --folder"
        )
    return ""


def install_packages(report: Report) -> None:
    """Install the packages whose commands are missing, without starting any service of theirs.

    Raises ``PlatformError``.
    """
    missing = [
        package for command, package in _PACKAGES.items() if shutil.which(command, path=_path()) is None
    ]
    if not missing:
        return
    report(f"installing {', '.join(missing)} with apt-get; the services that come with them are not started")
    _update_lists()
    with _services_kept_down():
        run("apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *missing)


def read_apt() -> Apt:
    """Return apt's mirrors and settings on this machine. Raises ``PlatformError``."""
    mirrors = _mirrors()
    if "Debian" not in mirrors:  # apt knows whose a mirror is only from a list that it has fetched
        _update_lists()
        mirrors = _mirrors()
    if "Debian" not in mirrors:
        raise PlatformError(f"apt has no HTTP mirror of Debian to make an image from; it has {mirrors}")
    lines = [line for line in run("apt-config", "dump").splitlines() if _FOR_ANY_MACHINE.match(line)]
    settings = dict(re.findall(r'^(\S+) "(.+)";$', "\n".join(lines), re.MULTILINE))
    proxy = settings.get("Acquire::http::Proxy") or os.environ.get("http_proxy", "")
    if proxy and proxy != "DIRECT":
        settings["Acquire::http::Proxy"] = proxy
    return Apt(
        debian=mirrors["Debian"],
        security=mirrors.get("Debian-Security", ""),
        settings="".join(f'{name} "{setting}";\n' for name, setting in sorted(settings.items())),
        proxy="" if proxy == "DIRECT" else proxy,
    )


def run(*command: str, environment: Mapping[str, str] | None = None) -> str:
    """Run a command and return what it printed. Raises ``PlatformError`` with its last lines."""
    try:
        done = subprocess.run(
            command,
            check=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env={**system_environment(), **(environment or {})},
        )
    except OSError as error:
        raise PlatformError(f"{command[0]} cannot be run: {error}") from error
    except subprocess.CalledProcessError as error:
        printed = f"{error.stdout}{error.stderr}".strip().splitlines()[-_LINES_OF_OUTPUT:]
        raise PlatformError("\n".join([f"`{' '.join(command)}` failed:", *printed])) from error
    return done.stdout


def system_environment() -> dict[str, str]:
    """Return the environment in which the system's own commands run: found, asking nothing, in English."""
    return {**os.environ, "PATH": _path(), "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:{_SYSTEM_FOLDERS}"


def _update_lists() -> None:
    run("apt-get", "update", "--quiet")


def _mirrors() -> dict[str, str]:
    """The first HTTP mirror of each label, such as ``Debian-Security``."""
    printed = run("apt-get", "indextargets", "--format", "$(LABEL) $(REPO_URI)", "Identifier: Packages")
    mirrors: dict[str, str] = {}
    for label, address in re.findall(r"^(Debian\S*) (https?://\S+)$", printed, re.MULTILINE):
        mirrors.setdefault(label, address)
    return mirrors


@contextmanager
def _services_kept_down() -> Iterator[None]:
    if _POLICY.exists():  # the machine has a policy already, as every container has
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink()
