"""The workers of a load in a fixed order: what each is assigned, which are done, and which were lost."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from pydantic import BaseModel, ConfigDict

from harness.base.clocks import Clocks
from harness.load.share import Share

LOST_AFTER_S: Final = 10.0
"""A worker that is silent for this long is lost. On an overloaded machine, four seconds do happen."""


class Assignment(BaseModel):
    """A worker's share and the moment when all begin: a Locust message from the master to the worker."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    share: Share
    load_start_ns: int
    """Since the run's epoch, and the same for all workers."""
    origin_ms: int
    """Event time at that moment."""

    def clocks(self, configured: Clocks) -> Clocks:
        """The clocks of the load as it begins, on the worker's own monotonic clock."""
        return configured.model_copy(
            update={"load_start_ns": self.load_start_ns, "origin_ms": self.origin_ms}
        )


class WorkerRoster:
    """The workers that were present when the load began; none is added later."""

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
        """These workers have just been heard from."""
        self._last_seen_s |= {member: now_s for member in present if member in self}

    def lost(self, now_s: float) -> str | None:
        """A worker that fell silent for too long before it was done; None when there is none."""
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
