"""Which Docker engine tests use: the configured one, the machine's, or the private one."""

from __future__ import annotations

import os
from typing import Final

from tests.container_engine.machine import default_folder, refusal, without_library

_OF_THE_MACHINE: Final = "unix:///var/run/docker.sock"


def usable() -> str:
    """Return why tests can have no engine; "" if one answers or a private one may be brought up.

    Then ``address`` says which answers; if none does, ``Engine(default_folder()).up(report)`` brings one up.
    """
    if missing := without_library():
        return missing
    if address():
        return ""
    if configured := os.environ.get("DOCKER_HOST"):
        return f"no Docker engine answers at DOCKER_HOST={configured}"
    if reason := refusal(default_folder()):
        return f"no Docker engine answers, and {reason}"
    return ""


def address() -> str:
    """Return the address of an engine that answers, as ``DOCKER_HOST`` is set to; "" if there is none."""
    from tests.container_engine.engine import Engine, silence  # noqa: PLC0415  # needs Docker's library

    configured = os.environ.get("DOCKER_HOST")
    hosts = [configured] if configured else [_OF_THE_MACHINE, Engine(default_folder()).host]
    return next((host for host in hosts if not silence(host)), "")
