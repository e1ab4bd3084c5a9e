"""Cuts a trace into batches: as large as allowed, and no longer than a moment of the profile.

A batch is sent when the last of its events is due, and all of its events at once. The time that it spans at
the profile's rate is therefore how much coarser the rate is than the profile, and how late its first event
is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

from harness.scenario.profiles.curve import Curve

_Event = TypeVar("_Event")

BATCH_SPAN_S: Final = 0.02
"""The most of the profile in one batch. Fifty batches a second cost next to nothing, and a batch on the wrong
side of a border is 0.2% of any ten seconds."""
LOWEST_SHARE: Final = 0.1
"""Of the peak: the rate is taken for no lower than this. The same batches serve the whole load, over and
over: cut for a rate near zero, they would be single events at the peak too."""


def batch_events(curve: Curve, limit: int) -> int:
    """How many events a batch may have when this curve is the rate; ``limit`` at most."""
    rates = [rate for piece in curve.pieces for rate in (piece.from_rate, piece.to_rate)]
    lowest = max(min(rates), max(rates) * LOWEST_SHARE)
    return min(limit, max(1, int(lowest * BATCH_SPAN_S)))


def cut(
    placed: Iterable[tuple[int, _Event]], *, partitions: int, most: int
) -> Iterator[tuple[int, list[_Event]]]:
    """Batches of at most ``most`` events with their partition, in the order in which they fill up."""
    waiting: list[list[_Event]] = [[] for _ in range(partitions)]
    for partition, event in placed:
        waiting[partition].append(event)
        if len(waiting[partition]) == most:
            yield partition, waiting[partition]
            waiting[partition] = []
    yield from ((partition, left) for partition, left in enumerate(waiting) if left)
