"""Builds an image for each service, with exactly the artifacts of the lock."""

from __future__ import annotations

import hashlib
import re
import tarfile
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import docker
from docker.errors import APIError, ImageNotFound

from harness.artifacts import Artifacts, cache_dir
from harness.base.errors import PlatformError
from harness.base.report import Report
from harness.services.templates import FOLDER

DOCKERFILE: Final = FOLDER / "Dockerfile"
DIGEST_LABEL: Final = "floodmark.digest"
_ENGINE_FOLDER: Final = "engine"
"""In the build context."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """The image of one service, whether or not it has been built."""

    service: str
    digest: str
    """Of the engine's locked files and of the part of the Dockerfile that is built."""
    dockerfile: str
    """The target and the targets it is based on. Engines without BuildKit build every target above it."""

    @property
    def tag(self) -> str:
        """``floodmark/kafka:3f2a90c51d7e``."""
        return f"floodmark/{self.service}:{self.digest}"

    @property
    def home(self) -> Path:
        """The engine's folder in the image."""
        return Path("/opt/floodmark", self.service)


def images_of(services: Collection[str], artifacts: Artifacts, dockerfile: str) -> Mapping[str, Image]:
    """The images of services, by name. Raises ``PlatformError`` for a service without a target."""
    return {service: _image(service, artifacts.home(service).name, dockerfile) for service in services}


def ensure_images(
    client: docker.DockerClient, images: Collection[Image], artifacts: Artifacts, report: Report
) -> None:
    """Build each image that the engine does not have. Raises ``PlatformError``."""
    for image in images:
        try:
            found = client.images.get(image.tag)
        except ImageNotFound:
            report(f"building {image.tag}")
            _build(client, image, artifacts.home(image.service))
            continue
        if found.labels.get(DIGEST_LABEL) != image.digest:
            raise PlatformError(
                f"{image.tag} was not built here: its label {DIGEST_LABEL} is "
                f"{found.labels.get(DIGEST_LABEL)!r}, not {image.digest!r}; remove it: docker rmi {image.tag}"
            )


def _image(service: str, engine: str, dockerfile: str) -> Image:
    needed = _target(service, dockerfile)
    digest = hashlib.sha256(f"{engine}\n{needed}".encode()).hexdigest()[:12]
    return Image(service=service, digest=digest, dockerfile=needed)


def _target(name: str, dockerfile: str) -> str:
    """The target's part of the Dockerfile, below those that it is based on."""
    stages = {
        match["name"]: (match["base"], match[0])
        for match in re.finditer(
            r"^FROM (?P<base>\S+) AS (?P<name>\S+)\n(?:(?!FROM ).*\n)*", dockerfile, re.M
        )
    }
    if name not in stages:
        raise PlatformError(f"{DOCKERFILE} has no target {name!r}; it has {', '.join(stages)}")
    base, text = stages[name]
    return (_target(base, dockerfile) if base in stages else "") + text


def _build(client: docker.DockerClient, image: Image, home: Path) -> None:
    with tempfile.TemporaryFile(dir=cache_dir()) as context:
        _pack(context, image, home)
        try:
            answers = client.api.build(
                fileobj=context,
                custom_context=True,
                tag=image.tag,
                labels={DIGEST_LABEL: image.digest},
                # Debian's mirror must be reachable as it is from this machine.
                network_mode="host",
                rm=True,
                forcerm=True,
                decode=True,
            )
            errors = [answer["error"].strip() for answer in answers if "error" in answer]
        except APIError as error:
            errors = [str(error.explanation or error)]
    if errors:
        raise PlatformError(f"cannot build {image.tag}: {errors[0]}")


def _pack(context: IO[bytes], image: Image, home: Path) -> None:
    """Write the build context: the Dockerfile and the engine's files, readable by everybody."""

    def readable(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = 0
        member.uname = member.gname = "root"
        member.mode |= 0o555 if member.isdir() else 0o444
        return member

    with tarfile.open(mode="w", fileobj=context) as archive:
        with tempfile.NamedTemporaryFile("w") as dockerfile:
            dockerfile.write(image.dockerfile)
            dockerfile.flush()
            archive.add(dockerfile.name, arcname="Dockerfile", filter=readable)
        archive.add(home, arcname=_ENGINE_FOLDER, filter=readable)
    context.seek(0)
