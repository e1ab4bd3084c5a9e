"""The closing events, sent last so that every window of the trace closes.

A window closes when the watermark passes its end, and the watermark is the minimum over all partitions. So
each partition gets an event far enough past the trace. It gets two, because a platform may update its
watermarks only periodically. The events are valid; none of their own windows closes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Final

from harness.load.murmur2 import partition_of

CATEGORY: Final = "floodmark"
EVENT_TYPE: Final = "tick"
WINDOW_MS: Final = 5 * 60_000
"""An event is late if its window of this size has closed."""
_MINUTE_MS: Final = 60_000
_LAST_WINDOW_MS: Final = 30 * _MINUTE_MS
"""The longest time from an event to the end of its last window: the session gap."""
_MARGIN_MS: Final = 16 * _MINUTE_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """One closing event."""

    event_id: str
    entity_id: str
    event_offset_ms: int
    send_offset_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """The times of a plan's closing events, as offsets on the event clock from its origin."""

    last_event_ms: int
    """Event time of the trace's newest event."""
    last_send_ms: int
    """When the last other event is sent."""
    pause_ms: int
    """The pause before each of the two rounds: a wall-clock second."""
    out_of_orderness_ms: int
    partitions: int

    @property
    def first_ms(self) -> int:
        """Event time of the first round."""
        return self.last_event_ms + _LAST_WINDOW_MS + _MARGIN_MS + self.out_of_orderness_ms

    @property
    def second_ms(self) -> int:
        """Event time of the second round: too soon after the first to close its windows."""
        return self.first_ms + self.out_of_orderness_ms // 2

    def ticks(self) -> Iterator[Tick]:
        """Yield the closing events in sending order.

        They are sent soon after the rest, ahead of the event clock: where it runs no faster than the wall
        clock, it would take most of an hour to reach their time.
        """
        entities = entities_for(self.partitions)
        for round_number, event_ms in enumerate((self.first_ms, self.second_ms), start=1):
            for entity in entities:
                yield Tick(
                    event_id=f"{entity}-{round_number}",
                    entity_id=entity,
                    event_offset_ms=event_ms,
                    send_offset_ms=self.last_send_ms + round_number * self.pause_ms,
                )


def entities_for(partitions: int) -> tuple[str, ...]:
    """Return one entity for each partition, in the order of partitions."""
    found: dict[int, str] = {}
    for number in count():
        entity = f"floodmark-tick-{number}"
        found.setdefault(partition_of(entity, partitions), entity)
        if len(found) == partitions:
            return tuple(found[partition] for partition in range(partitions))
    raise AssertionError("unreachable: count() never ends")
