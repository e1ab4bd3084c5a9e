"""Several things at the same time: while one plans in the driver or waits for the store, another computes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


def at_once(do: Callable[[Asked], Answer], each: Sequence[Asked]) -> tuple[Answer, ...]:
    """The answers in the order of what was asked. All are waited for, then the first error is raised."""
    if len(each) < 2:  # noqa: PLR2004 -- a thread for one is none
        return tuple(map(do, each))
    with ThreadPoolExecutor(len(each)) as pool:
        return tuple(pool.map(do, each))
