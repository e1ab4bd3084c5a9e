"""The cheapest question to a node, asked before any other: does it listen?"""

from __future__ import annotations

import socket
from typing import Final

from harness.services.protocol import NotReady

_TIMEOUT_S: Final = 1.0


def check_listening(address: str, port: int) -> None:
    """Connect and hang up. Raises ``NotReady``."""
    try:
        with socket.create_connection((address, port), timeout=_TIMEOUT_S):
            pass
    except OSError as error:
        raise NotReady(f"{address}:{port}: {error.strerror or error}") from error
