"""How a process ended, in words."""

from __future__ import annotations

import signal


def how_ended(code: int) -> str:
    """``by SIGKILL`` or ``with exit code 3``; ``code`` is the exit code, or minus the signal."""
    if code >= 0:
        return f"with exit code {code}"
    try:
        return f"by {signal.Signals(-code).name}"
    except ValueError:  # a real-time signal has no name
        return f"by signal {-code}"
