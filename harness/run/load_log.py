"""Finds the errors that a load logged before it ended, so that nobody has to search its log."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

_TAIL_BYTES: Final = 64 * 1024
_LINES: Final = 3
_ERROR: Final = re.compile(r"\bERROR[ /](?P<message>.*)")
"""Locust logs ``host/ERROR/name: message``, and the load's own processes ``ERROR name: message``."""
_FOLLOWS: Final = "log says why"
"""Ends messages that are only consequences of what another process logged."""


def last_words(log: Path) -> str:
    """The last distinct errors in the log, or its last lines if it has none; "" when there is no log."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        return ""
    errors = [match["message"] for line in lines if (match := _ERROR.search(line))]
    causes = [error for error in errors if not error.endswith(_FOLLOWS)]
    found = causes or errors or [line.strip() for line in lines if line.strip()]
    return "; ".join(list(dict.fromkeys(found))[-_LINES:])
