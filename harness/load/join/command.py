"""The command lines of joining: the options of a run that waits for workers, and a worker's own command."""

from __future__ import annotations

import re
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from harness.base.errors import InvalidInput, Problem
from harness.load.workers.driver import LOCUSTFILE, python_path
from harness.load.workers.join_config import LOOPBACK, PORT, Joining, Listens
from pipeline.base.endpoints import KafkaEndpoint

JOIN_VARIABLE: Final = "FLOODMARK_JOIN"
"""The environment variable that names the folder of a worker that joins."""
_ADDRESS: Final = re.compile(r"([A-Za-z0-9_.-]{1,253})(?::([0-9]{1,5}))?")
_LAST_PORT: Final = 65535


def joining_of(workers: int, host: str | None, port: int | None) -> Joining | None:
    """What ``--workers``, ``--join-host`` and ``--join-port`` ask for; None if no worker joins.

    Raises InvalidInput, also where it is impossible to listen on the address now.
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
    """Joining workers get the endpoints unencrypted, so those must hold no secret. Raises InvalidInput."""
    if kafka.security.protocol != "plaintext":
        allowed = "plaintext where workers join, because everything is sent to them without encryption"
        raise _refused("--workers: the security of kafka", kafka.security.protocol, allowed)


def master_of(text: str) -> Listens:
    """The master's address, ``HOST`` or ``HOST:PORT``. Raises InvalidInput."""
    match = _ADDRESS.fullmatch(text)
    port = int(match[2] or PORT) if match else 0
    if match is None or not 1 <= port <= _LAST_PORT:
        allowed = f"a name or an IPv4 address, and perhaps a port: loader-1 or 192.0.2.7:{PORT}"
        raise _refused("HOST[:PORT]", text, allowed)
    return Listens(host=match[1], port=port)


def join_argv(master: Listens, folder: Path) -> tuple[Sequence[str], dict[str, str]]:
    """The command and environment of a worker that keeps its records in this folder."""
    argv = [
        *(sys.executable, "-m", "locust", "--locustfile", str(LOCUSTFILE), "--worker"),
        *("--master-host", master.host, "--master-port", str(master.port)),
        "--only-summary",
    ]
    return argv, {JOIN_VARIABLE: str(folder), "PYTHONPATH": python_path()}


def _refused(where: str, found: str, allowed: str) -> InvalidInput:
    return InvalidInput([Problem(where=where, found=found, allowed=allowed)])
