"""The first few of the things that a check found wrong, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from harness.history.reader import History

MAX_EXAMPLES: Final = 5
"""How many offending items a finding shows."""


def examples(
    history: History, query: str, tell: Callable[[Mapping[str, Any]], str], **parameters: object
) -> tuple[str, ...]:
    """What ``tell`` says of each row that ``query`` finds; the query says where its ``$limit`` falls."""
    return tuple(tell(row) for row in history.rows(query, {"limit": MAX_EXAMPLES, **parameters}))
