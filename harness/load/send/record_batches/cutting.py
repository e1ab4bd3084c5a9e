"""Where a trace is cut into batches: as large as they may be, and no longer than a moment of the profile.

A batch is sent when the last of its events is due, and all of its events at once: how long it is at the
profile's rate is by how much the rate is coarser than the profile, and by how much its first event is late.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

from harness.scenario.profiles.curve import Curve

_Event = TypeVar("_Event")

BATCH_SPAN_S: Final = 0.02
"""Of the profile, at most, in a batch. Fifty batches a second cost next to nothing, and of any ten seconds a
batch that falls to the wrong side of their border is 0.2%."""
LOWEST_SHARE: Final = 0.1
"""Of the peak: what the rate is taken for where it is lower still. The same batches serve the whole load,
over and over: cut for a rate near nothing, they would be single events at the peak, too."""


def batch_events(curve: Curve, limit: int) -> int:
    """Events that a batch may have of a load whose rate is this curve, and ``limit`` at most."""
    rates = [rate for piece in curve.pieces for rate in (piece.from_rate, piece.to_rate)]
    lowest = max(min(rates), max(rates) * LOWEST_SHARE)
    return min(limit, max(1, int(lowest * BATCH_SPAN_S)))


def cut(
    placed: Iterable[tuple[int, _Event]], *, partitions: int, most: int
) -> Iterator[tuple[int, list[_Event]]]:
    """Batches of ``most`` events at most with their partition, in the order in which they are full."""
    waiting: list[list[_Event]] = [[] for _ in range(partitions)]
    for partition, event in placed:
        waiting[partition].append(event)
        if len(waiting[partition]) == most:
            yield partition, waiting[partition]
            waiting[partition] = []
    yield from ((partition, left) for partition, left in enumerate(waiting) if left)
