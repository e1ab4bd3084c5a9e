"""Asks a Spark master what it knows of its cluster."""

from __future__ import annotations

from typing import Any, Final

import httpx

from harness.services.protocol import NotReady

_TIMEOUT_S: Final = 5.0


def check_master(web_url: str) -> None:
    """The master is in charge. Raises ``NotReady``."""
    if (status := _state(web_url)["status"]) != "ALIVE":
        raise NotReady(f"the master is {status}")


def check_worker(web_url: str, address: str) -> None:
    """The worker at this address is registered and alive. Raises ``NotReady``."""
    # A worker that was killed stays listed, as dead, beside the one that was started in its place.
    workers = [(worker["host"], worker["state"]) for worker in _state(web_url)["workers"]]
    if (address, "ALIVE") not in workers:
        raise NotReady(f"the master knows {workers or 'no worker'}")


def _state(web_url: str) -> dict[str, Any]:
    try:
        answer = httpx.get(f"{web_url}/json/", timeout=_TIMEOUT_S, trust_env=False).raise_for_status()
        state: dict[str, Any] = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise NotReady(f"{type(error).__name__}: {error}") from error
    return state
