"""The prober's open targets, and the order of looking for them. Pure: reads no store and no clock."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import Final

from harness.observe.prober.probe_plan import Sought, WindowKey

_EVENTS_A_READ: Final = 25
_WINDOWS_A_READ: Final = 100
_WINDOWS_A_DEEP_READ: Final = 2000

HotPartition = tuple[str, date]
"""Entity and day."""
EventIdentity = tuple[str, int]
"""Event id, and event time in milliseconds since 1970."""
WindowSpan = tuple[int, int]
"""Start and end in milliseconds since 1970."""


class EventSeeker:
    """The events sent but not yet seen. Each is looked for until it is found, however long that takes.

    Dropping slow events, or choosing the next event only after finding one, would leave out the worst ages.
    """

    def __init__(self, events: Sequence[Sought]) -> None:
        self._coming = deque(events)
        self._awaited: OrderedDict[HotPartition, OrderedDict[EventIdentity, Sought]] = OrderedDict()

    def await_sent(self, now_ns: int) -> None:
        """Start looking for the events due to be sent by now."""
        while self._coming and self._coming[0].send_ns <= now_ns:
            event = self._coming.popleft()
            wanted = self._awaited.setdefault((event.entity_id, event.day), OrderedDict())
            wanted[event.event_id, event.event_time_ms] = event

    def next_read(self) -> tuple[HotPartition, list[EventIdentity]] | None:
        """Return the next partition in turn, and some of its awaited events; None when there are none."""
        if not self._awaited:
            return None
        partition, wanted = next(iter(self._awaited.items()))
        self._awaited.move_to_end(partition)
        identities = list(islice(wanted, _EVENTS_A_READ))
        for identity in identities:
            wanted.move_to_end(identity)
        return partition, identities

    def found(self, partition: HotPartition, rows: Iterable[EventIdentity]) -> list[EventIdentity]:
        """Return the rows that are seen for the first time."""
        wanted = self._awaited.get(partition, OrderedDict())
        new = [identity for identity in rows if wanted.pop(identity, None) is not None]
        if not wanted:
            self._awaited.pop(partition, None)
        return new


@dataclass(slots=True)
class _Known:
    spans: set[WindowSpan] = field(default_factory=set)
    primed: bool = False
    deep: bool = False


class WindowSeeker:
    """Looks for new window results of each kind and key in turn."""

    def __init__(self, keys: Sequence[WindowKey]) -> None:
        self._turns = deque(keys)
        self._known = {key: _Known() for key in keys}

    def next_read(self) -> tuple[WindowKey, int] | None:
        """Return the next key in turn, and how many of its newest rows per day to read; None without keys."""
        if not self._turns:
            return None
        key = self._turns[0]
        self._turns.rotate(-1)
        return key, _WINDOWS_A_DEEP_READ if self._known[key].deep else _WINDOWS_A_READ

    def found(self, key: WindowKey, rows: Sequence[WindowSpan], limit: int) -> list[WindowSpan]:
        """Return the rows that are seen for the first time.

        A key's first windows may have been there for any time, so they do not count as new. When every row
        read is unknown there may be more, and the key's next read goes deeper.
        """
        known = self._known[key]
        new = [span for span in rows if span not in known.spans]
        known.spans.update(new)
        known.deep = len(new) >= limit
        if known.primed:
            return new
        known.primed = not known.deep
        return []
