"""Which machine this is, as far as clocks are concerned."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import Final

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


def boot_id() -> str:
    """Names this machine until it starts again, and so its monotonic clock; "" where none is known."""
    return _BOOT_ID.read_text().strip() if _BOOT_ID.is_file() else ""


def host_name() -> str:
    """For people."""
    return re.sub("[^A-Za-z0-9_.-]", "-", socket.gethostname())[:253] or "unnamed"
