"""Where a trace is cut into batches: as large as they may be, and no longer than a moment of the profile.

A batch is sent when the last of its events is due, and all of its events at once: how long it is at the
profile's rate is by how much the rate is coarser than the profile, and by how much its first event is late.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeVar

from harness.load.profiles.curve import Curve

_Event = TypeVar("_Event")

BATCH_SPAN_S: Final = 0.02
"""Of the profile, at most, in a batch. Fifty batches a second cost next to nothing, and of any ten seconds a
batch that falls to the wrong side of their border is 0.2%."""


def most_at(curve: Curve, number: int, limit: int) -> int:
    """Events of a batch that begins with event ``number``: those due within the span, but one at least.

    Events beyond the curve's last are all due at its end.
    """
    if number >= curve.events:
        return limit
    span_end_s = curve.reached_s(number + 0.5) + BATCH_SPAN_S
    return min(limit, max(1, int(curve.area_until(span_end_s) - number)))


def cut(
    placed: Iterable[tuple[int, _Event]], *, partitions: int, most_at: Callable[[int], int]
) -> Iterator[tuple[int, list[_Event]]]:
    """Batches of events with their partition, in the order in which they are sent.

    Each partition's events stay in their order. ``most_at`` says how many events a batch may have that has so
    many before it, whatever their partitions.
    """
    waiting: list[list[_Event]] = [[] for _ in range(partitions)]
    before, most = 0, most_at(0)
    for partition, event in placed:
        own = waiting[partition]
        own.append(event)
        while len(own) >= most:
            yield partition, own[:most]
            del own[:most]
            before += most
            most = most_at(before)
    for partition, own in enumerate(waiting):
        while own:
            most = min(len(own), most_at(before))
            yield partition, own[:most]
            del own[:most]
            before += most
