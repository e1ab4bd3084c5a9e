"""Probes a Spark cluster through its master's status."""

from __future__ import annotations

from typing import Any, Final

import httpx

from harness.services.protocol import NotReady

_TIMEOUT_S: Final = 5.0


def check_master(web_url: str) -> None:
    """Require that the master is active. Raises ``NotReady``."""
    if (status := _state(web_url)["status"]) != "ALIVE":
        raise NotReady(f"the master is {status}")


def check_worker(web_url: str, address: str) -> None:
    """Require that the worker at this address is registered and alive. Raises ``NotReady``."""
    # A killed worker stays listed as dead beside its replacement.
    workers = [(worker["host"], worker["state"]) for worker in _state(web_url)["workers"]]
    if (address, "ALIVE") not in workers:
        raise NotReady(f"not alive at {address}; workers known to the master: {workers or 'none'}")


def _state(web_url: str) -> dict[str, Any]:
    try:
        answer = httpx.get(f"{web_url}/json/", timeout=_TIMEOUT_S, trust_env=False).raise_for_status()
        state: dict[str, Any] = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise NotReady(f"{type(error).__name__}: {error}") from error
    return state
