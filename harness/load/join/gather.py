"""Waits, on the machine of the run, for the workers that its load expects from other machines."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Final

from harness.base.errors import RunError
from harness.base.report import Report
from harness.base.waiting import wait_until
from harness.load.workers.join_config import EVERYWHERE, Gathered, JoinConfig

_WAIT_S: Final = 300.0
_POLL_S: Final = 0.2


def await_joined(
    join: JoinConfig,
    *,
    alive: Callable[[], bool],
    report: Report,
    timeout_s: float = _WAIT_S,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Return once all are ready. Raises WaitTimeout, and RunError when the load's process died."""
    joining = join.joining
    address = f"{socket.gethostname() if joining.host == EVERYWHERE else joining.host}:{joining.port}"
    report(f"waiting for {joining.workers} to join the load: floodmark join {address}")
    reported = ""

    def complete() -> bool:
        nonlocal reported
        there = Gathered.load(join.gathered)
        if (now := str(there)) != reported:
            reported = now
            report(now)
        if not alive():
            raise RunError("the load died while it waited for workers; its log says why")
        return len(there.hosts) >= joining.workers

    wait_until(
        complete,
        timeout_s=timeout_s,
        what=f"{joining.workers} to join the load",
        last_seen=lambda: reported,
        hint=f"`floodmark join {address}` on another machine makes one join",
        poll_s=_POLL_S,
        sleep=sleep,
    )
