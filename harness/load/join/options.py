"""Where workers join, as the command line says it: refused before anything starts."""

from __future__ import annotations

import re
import socket
from typing import Final

from harness.base.errors import InvalidInput, Problem
from harness.load.workers.join_config import LOOPBACK, PORT, Joining, Listens
from pipeline.endpoints import KafkaEndpoint

_ADDRESS: Final = re.compile(r"([A-Za-z0-9_.-]{1,253})(?::([0-9]{1,5}))?")
_LAST_PORT: Final = 65535


def joining_of(workers: int, host: str | None, port: int | None) -> Joining | None:
    """What ``--workers``, ``--join-host`` and ``--join-port`` ask for; None where nobody joins.

    Raises InvalidInput, also where the address cannot be listened at now.
    """
    if not workers:
        if host is not None or port is not None:
            raise _refused("--workers", "0", "1 or more where some may join")
        return None
    joining = Joining(workers=workers, host=host or LOOPBACK, port=port or PORT)
    try:
        socket.create_server((joining.host, joining.port)).close()
    except OSError as error:
        found = f"{joining.host}:{joining.port}"
        allowed = f"an IPv4 address of this machine and a port that is free ({error})"
        raise _refused("--join-host, --join-port", found, allowed) from error
    return joining


def require_no_credentials(kafka: KafkaEndpoint) -> None:
    """What joins is sent the endpoints in the open, so they must hold no secret. Raises InvalidInput."""
    if kafka.security.protocol != "plaintext":
        allowed = "plaintext where workers join, who are told everything without encryption"
        raise _refused("--workers: the security of kafka", kafka.security.protocol, allowed)


def master_of(text: str) -> Listens:
    """The master's address, ``HOST`` or ``HOST:PORT``. Raises InvalidInput."""
    match = _ADDRESS.fullmatch(text)
    port = int(match[2] or PORT) if match else 0
    if match is None or not 1 <= port <= _LAST_PORT:
        allowed = f"a name or an IPv4 address, and perhaps a port: loader-1 or 192.0.2.7:{PORT}"
        raise _refused("HOST[:PORT]", text, allowed)
    return Listens(host=match[1], port=port)


def _refused(where: str, found: str, allowed: str) -> InvalidInput:
    return InvalidInput([Problem(where=where, found=found, allowed=allowed)])
