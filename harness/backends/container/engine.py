"""Connects to the Docker engine, as the user has configured it."""

from __future__ import annotations

from typing import Final

import docker
from docker.errors import DockerException
from testcontainers.core.config import testcontainers_config

from harness.base.errors import PlatformError

INSTANCE_LABEL: Final = "floodmark.instance"
"""Every container and network of an instance carries its id in it."""
NODE_LABEL: Final = "floodmark.node"
_TIMEOUT_S: Final = 60


def connect() -> docker.DockerClient:
    """Connect to the engine of ``DOCKER_HOST``, or the usual one. Raises ``PlatformError``."""
    # Its reaper is an image that many machines cannot pull. Here the supervisor removes what is left.
    testcontainers_config.ryuk_disabled = True
    try:
        client = docker.from_env(timeout=_TIMEOUT_S)
        client.ping()
    except DockerException as error:
        raise PlatformError(_advice(str(error))) from error
    return client


def _advice(error: str) -> str:
    if "Permission denied" in error or "PermissionError" in error:
        return (
            f"this user may not use the Docker engine: {error}. Add the user to the group `docker` and "
            "log in again, or point DOCKER_HOST at an engine of your own, such as rootless Docker"
        )
    return f"no Docker engine answers: {error}. Start it, or set DOCKER_HOST to its address"
