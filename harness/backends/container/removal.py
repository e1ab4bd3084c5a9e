"""Removes an instance's containers and networks, found by their label.

Run by the supervisor at its end, which outlives a killed harness: ``python -m`` with the instance's id.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import docker
from docker.errors import APIError, NotFound

from harness.backends.container.engine import INSTANCE_LABEL, connect
from harness.base.errors import PlatformError, WaitTimeout
from harness.base.waiting import wait_until

_TIMEOUT_S: Final = 60.0


def command(instance_id: str) -> tuple[str, ...]:
    """The command with which another process removes them."""
    return (sys.executable, "-m", __name__, instance_id)


def remove(client: docker.DockerClient, instance_id: str) -> None:
    """Kill and remove every container of the instance, then its networks. Raises ``PlatformError``."""
    labelled = {"label": f"{INSTANCE_LABEL}={instance_id}"}

    def none_left() -> bool:
        containers = client.api.containers(all=True, quiet=True, filters=labelled)
        _for_each(containers, lambda one: client.api.remove_container(one["Id"], v=True, force=True))
        networks = client.api.networks(filters=labelled)
        _for_each(networks, lambda one: client.api.remove_network(one["Id"]))
        return not containers and not networks

    try:
        wait_until(
            none_left,
            timeout_s=_TIMEOUT_S,
            what=f"the containers of {instance_id} to be removed",
            transient=(APIError,),
        )
    except WaitTimeout as error:
        raise PlatformError(str(error)) from error


def _for_each(found: list[dict[str, Any]], act: Callable[[dict[str, Any]], object]) -> None:
    """Act on all at once; one that is gone already is no error."""

    def attempt(one: dict[str, Any]) -> None:
        try:
            act(one)
        except NotFound:
            return

    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(attempt, found))


if __name__ == "__main__":
    try:
        remove(connect(), sys.argv[1])
    except PlatformError as failed:
        sys.exit(f"{failed}; `floodmark down` tries again")
