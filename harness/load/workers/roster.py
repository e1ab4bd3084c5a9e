"""Who takes part in a load: its workers in a fixed order, their shares, who is done, and who was lost."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from harness.load.share import Share

LOST_AFTER_S: Final = 10.0
"""A worker that is silent for so long is lost. On a machine that is overloaded, four seconds happen."""


class Roster:
    """The workers that were there when the load began; nobody joins later."""

    def __init__(self, members: Collection[str], now_s: float) -> None:
        self._members = tuple(sorted(members))
        self._done: set[str] = set()
        self._last_seen_s = dict.fromkeys(self._members, now_s)

    def __contains__(self, member: str) -> bool:
        return member in self._last_seen_s

    def shares(self) -> Iterator[tuple[str, Share]]:
        """Each worker and its share; together the shares are the load."""
        for index, member in enumerate(self._members):
            yield member, Share(index=index, of=len(self._members))

    def saw(self, present: Collection[str], now_s: float) -> None:
        """These workers are heard of."""
        self._last_seen_s |= {member: now_s for member in present if member in self}

    def lost(self, now_s: float) -> str | None:
        """A worker of which nothing was heard for too long before it was done; None when there is none."""
        return next((member for member in self._members if self._is_lost(member, now_s)), None)

    def finished(self, member: str) -> None:
        """This worker's share is sent and recorded."""
        self._done.add(member)

    @property
    def complete(self) -> bool:
        """Whether every share is sent and recorded."""
        return self._done.issuperset(self._members)

    def _is_lost(self, member: str, now_s: float) -> bool:
        return member not in self._done and now_s - self._last_seen_s[member] > LOST_AFTER_S
