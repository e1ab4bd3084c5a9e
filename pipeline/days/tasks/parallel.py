"""Runs things in parallel: while one plans in the driver or waits for the store, another computes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_parallel(do: Callable[[Item], Result], each: Sequence[Item]) -> tuple[Result, ...]:
    """Return the results in the order of the items. Waits for all of them, then raises the first error."""
    if len(each) < 2:  # noqa: PLR2004 -- one item needs no thread
        return tuple(map(do, each))
    with ThreadPoolExecutor(len(each)) as pool:
        return tuple(pool.map(do, each))
