"""How each system's package manager is told to install Java and Maven."""

from __future__ import annotations

from typing import Final

PACKAGES: Final = {
    "apt-get": {"java": "openjdk-17-jre-headless", "maven": "maven"},
    "dnf": {"java": "java-17-openjdk-headless", "maven": "maven"},
    "zypper": {"java": "java-17-openjdk-headless", "maven": "maven"},
    "pacman": {"java": "jre17-openjdk-headless", "maven": "maven"},
    "apk": {"java": "openjdk17-jre-headless", "maven": "maven"},
    "brew": {"java": "openjdk@17", "maven": "maven"},
}
"""Package manager's command, to the names of its packages."""

_INSTALL: Final = {
    "apt-get": "apt-get update && {sudo}apt-get install -y --no-install-recommends",
    "dnf": "dnf install -y",
    "zypper": "zypper --non-interactive install",
    "pacman": "pacman -S --noconfirm",
    "apk": "apk add",
    "brew": "brew install",
}


def install_command(package: str, package_manager: str, *, is_root: bool) -> str:
    """The command for a shell, or "" if the package manager is not known."""
    if package_manager not in PACKAGES:
        return ""
    sudo = "" if is_root or package_manager == "brew" else "sudo "
    return f"{sudo}{_INSTALL[package_manager].format(sudo=sudo)} {PACKAGES[package_manager][package]}"
