"""Makes ``debian:bookworm-slim`` from Debian's mirror, as no registry can be asked for it."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import docker
from docker.errors import ImageNotFound

from harness.base.report import Report
from tests.container_engine.machine import Apt, read_apt, run

NAME: Final = "debian:bookworm-slim"
_SUITE: Final = "bookworm"
_ALONE: Final = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
"""Whatever is mounted or started in it ends with it, however that ends."""
_UNWANTED: Final = ("usr/share/doc", "usr/share/info", "usr/share/locale", "usr/share/man", "var/log")
"""Their files are removed. Their folders stay: some packages link into them."""
_CACHES: Final = ("var/lib/apt/lists", "var/cache/apt", "var/cache/debconf")
_FILES: Final[Mapping[str, str]] = {
    "etc/apt/apt.conf.d/docker": """\
Acquire::GzipIndexes "true";
Acquire::Languages "none";
Apt::AutoRemove::SuggestsImportant "false";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb || true"; };
""",
    "etc/dpkg/dpkg.cfg.d/docker": """\
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/info/*
path-exclude /usr/share/locale/*
path-exclude /usr/share/man/*
""",
    "etc/hostname": "",
    "etc/resolv.conf": "",
    "usr/sbin/policy-rc.d": "#!/bin/sh\nexit 101\n",
}
"""As in the image of that name in the registry: nothing is cached, and no service starts."""


def provide(client: docker.DockerClient, folder: Path, report: Report) -> None:
    """Give the engine the base image if it has none; its tarball is kept in the folder.

    Raises ``PlatformError`` or ``DockerException``.
    """
    try:
        client.images.get(NAME)
    except ImageNotFound:
        tarball = _tarball(folder, report)
        report(f"importing {NAME} ({tarball.stat().st_size / 1e6:.0f} MB)")
        repository, tag = NAME.split(":")
        client.api.import_image_from_file(str(tarball), repository, tag, changes=['CMD ["bash"]'])
        client.images.get(NAME)


def tarballs(folder: Path) -> list[Path]:
    """Return the base images that are kept in the folder."""
    return sorted(folder.glob("base-*.tar"))


def _tarball(folder: Path, report: Report) -> Path:
    """The tarball for apt's mirrors and settings of today, made if it is not there."""
    apt = read_apt()
    files = {**_FILES, "etc/apt/sources.list": _sources(apt), "etc/apt/apt.conf.d/mirrors": apt.settings}
    recipe = hashlib.sha256(repr((_SUITE, apt, sorted(files.items()))).encode()).hexdigest()
    tarball = folder / f"base-{recipe[:12]}.tar"
    if tarball.exists():
        return tarball
    for old in tarballs(folder):
        old.unlink()
    report(f"making {NAME} with debootstrap from {apt.debian}")
    root, partial = folder / "base", folder / "base.partial"
    shutil.rmtree(root, ignore_errors=True)
    _bootstrap(root, apt)
    _slim(root, files)
    run("tar", "--numeric-owner", "--one-file-system", "-C", str(root), "-cf", str(partial), ".")
    shutil.rmtree(root)
    return partial.rename(tarball)


def _bootstrap(root: Path, apt: Apt) -> None:
    options = ["--variant=minbase", *(["--include=ca-certificates"] if apt.https else [])]
    environment = {"http_proxy": apt.proxy} if apt.proxy else {}
    run(*_ALONE, "debootstrap", *options, _SUITE, str(root), apt.debian, environment=environment)


def _slim(root: Path, files: Mapping[str, str]) -> None:
    for name in (*_UNWANTED, *_CACHES):
        for path in sorted((root / name).rglob("*")):
            if (path.is_symlink() or not path.is_dir()) and path.name != "copyright":
                path.unlink()
    for name, content in files.items():
        (root / name).write_text(content)
    (root / "usr/sbin/policy-rc.d").chmod(0o755)


def _sources(apt: Apt) -> str:
    lines = [f"deb {apt.debian} {suite} main\n" for suite in (_SUITE, f"{_SUITE}-updates")]
    if apt.security:
        lines.append(f"deb {apt.security} {_SUITE}-security main\n")
    return "".join(lines)
