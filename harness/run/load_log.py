"""What a load said was wrong before it ended, so that nobody has to look for it in its log."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

_TAIL_BYTES: Final = 64 * 1024
_LINES: Final = 3
_ERROR: Final = re.compile(r"\bERROR[ /](?P<said>.*)")
"""Locust logs ``host/ERROR/name: said``, and the load's own processes ``ERROR name: said``."""
_FOLLOWS: Final = "log says why"
"""Ends what is only the consequence of what another process said."""


def last_words(log: Path) -> str:
    """The last different errors in the log, or its last lines where it has none; "" when there is no log."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        return ""
    errors = [found["said"] for line in lines if (found := _ERROR.search(line))]
    causes = [error for error in errors if not error.endswith(_FOLLOWS)]
    said = causes or errors or [line.strip() for line in lines if line.strip()]
    return "; ".join(list(dict.fromkeys(said))[-_LINES:])
