"""How the runner starts the load: Locust's own command line with the load's locustfile."""

from __future__ import annotations

import math
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from harness.load.send.outcomes import DELIVERY_TIMEOUT_S, FLUSH_TIMEOUT_S
from harness.load.workers.config import CONFIG_VARIABLE, LoadConfig
from harness.load.workers.join_config import EVERYWHERE, LOOPBACK, Listens

LOAD_LEAD_S: Final = 5.0
"""How long before its first event the load is started: Locust takes a few seconds to import."""

_WORKERS_WAIT_S: Final = 60
LOCUSTFILE: Final = Path(__file__).parents[1] / "locust" / "load_locustfile.py"
_PACKAGES: Final = Path(__file__).parents[3]


def longest_s(
    duration_s: float,
    *,
    delivery_timeout_s: float = DELIVERY_TIMEOUT_S,
    flush_timeout_s: float = FLUSH_TIMEOUT_S,
) -> float:
    """The longest that a load may run from its start, including the waits before and after.

    ``duration_s`` is the time from its first event to its last.
    """
    return LOAD_LEAD_S + 60 + duration_s + delivery_timeout_s + flush_timeout_s


def load_argv(
    config_file: Path, config: LoadConfig, *, duration_s: float, processes: int = 1
) -> tuple[Sequence[str], dict[str, str]]:
    """The command and the environment for ``Processes.spawn("load", ...)``; writes ``config_file``.

    The load ends by itself when everything is sent and known. ``duration_s`` only bounds it.
    """
    joining = None if config.join is None else config.join.joining
    users = config.users * (processes + (joining.workers if joining else 0))
    config.save(config_file)
    run_time_s = math.ceil(
        longest_s(
            duration_s, delivery_timeout_s=config.delivery_timeout_s, flush_timeout_s=config.flush_timeout_s
        )
    )
    argv = [
        *(sys.executable, "-m", "locust", "--locustfile", str(LOCUSTFILE)),
        *("--headless", "--users", str(users), "--spawn-rate", str(users)),
        *("--run-time", f"{run_time_s}s", "--only-summary", "--exit-code-on-error", "1"),
        *(_several(processes, joining or _on_loopback()) if processes > 1 or joining else ()),
    ]
    return argv, {CONFIG_VARIABLE: str(config_file), "PYTHONPATH": python_path()}


def _several(processes: int, listens: Listens) -> Sequence[str]:
    """Locust forks its workers, which connect to their master on this machine."""
    port, near = str(listens.port), LOOPBACK if listens.host == EVERYWHERE else listens.host
    return (
        *("--processes", str(processes), "--expect-workers-max-wait", str(_WORKERS_WAIT_S)),
        *("--master-host", near, "--master-port", port),
        *("--master-bind-host", listens.host, "--master-bind-port", port),
    )


def _on_loopback() -> Listens:
    with socket.create_server((LOOPBACK, 0)) as taken:
        # Another process may take the port before Locust does; Locust then logs that and ends.
        return Listens(port=taken.getsockname()[1])


def python_path() -> str:
    """A PYTHONPATH on which Locust's process finds this package, installed or not."""
    inherited = os.environ.get("PYTHONPATH", "")
    return os.pathsep.join(part for part in (str(_PACKAGES), inherited) if part)
