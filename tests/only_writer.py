"""A writer of tables that nobody else writes: its lease is never lost."""

from __future__ import annotations

import itertools
from typing import Final

_TOKENS: Final = itertools.count(1)


class OnlyWriter:
    """As pipeline/lake/lease.py has it. Every token of this process is greater than those before it."""

    def require(self) -> None:
        """Nobody else can have taken it."""

    def fencing_token(self) -> int:
        """The next one."""
        return next(_TOKENS)
