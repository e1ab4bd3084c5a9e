"""Stops supervised processes: politely at first, then by force."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

from harness.base.errors import PlatformError, WaitTimeout
from harness.base.waiting import wait_until
from harness.processes.supervisor_client import SupervisorClient

_KILL_TIMEOUT_S: Final = 90.0
ENDED_IN_ORDER: Final = frozenset({0, -15, 143})
"""Exit codes after SIGTERM: of a process that ends by itself, of one without a handler, and of Java."""


def stop(supervisor: SupervisorClient, timeouts_s: Mapping[str, float]) -> None:
    """SIGTERM to all of these processes at once, and SIGKILL to each that outlives its timeout.

    Names that were never started are ignored. Raises ``PlatformError``.
    """
    known = {row.name for row in supervisor.rows()}
    deadlines_s = {}
    for name in known.intersection(timeouts_s):
        deadlines_s[name] = time.monotonic() + timeouts_s[name]
        supervisor.signal(name, "terminate")
        supervisor.signal(name, "resume")  # a paused process would not see the signal

    def all_ended() -> bool:
        alive = {row.name for row in supervisor.rows() if row.exit is None} & deadlines_s.keys()
        for name in alive:
            if time.monotonic() >= deadlines_s[name]:
                supervisor.signal(name, "kill")
        return not alive

    try:
        wait_until(all_ended, timeout_s=_KILL_TIMEOUT_S, what=f"{', '.join(timeouts_s)} to end")
    except WaitTimeout as error:
        raise PlatformError(str(error)) from error
