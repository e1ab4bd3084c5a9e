"""The one way to wait for something: poll a condition until it holds, on the monotonic clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from harness.base.errors import WaitTimeout

T = TypeVar("T")


def wait_until(
    condition: Callable[[], T | None],
    *,
    timeout_s: float,
    what: str,
    last_seen: Callable[[], str] = lambda: "nothing",
    hint: str = "",
    poll_s: float = 0.05,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    transient: tuple[type[Exception], ...] = (),
) -> T:
    """Return the first truthy value of ``condition``; it is tried at once, and once more at the deadline.

    Exceptions of the types in ``transient`` count as "not yet" and are reported as the last thing seen.
    Raises ``WaitTimeout`` with what was waited for, how long, and what was last seen.
    """
    deadline = clock() + timeout_s
    while True:
        error = ""
        try:
            if value := condition():
                return value
        except transient as caught:
            error = f"{type(caught).__name__}: {caught}"
        remaining = deadline - clock()
        if remaining <= 0:
            raise WaitTimeout(what, timeout_s, error or last_seen(), hint)
        sleep(min(poll_s, remaining))
