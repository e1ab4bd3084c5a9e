"""The topics of the stream layer and the layout of their records.

``events``              the source; value: an event's JSON, key: entity_id, timestamp: event_time
``events_valid``        valid events without their duplicates: the same value, key and timestamp
``events_late``         copies of events that arrived after their five-minute window had closed
``events_dead_letter``  invalid records: the same value, key and timestamp; ``DeadLetter`` as headers
``window_results``      every window of every kind; value: ``WindowResult`` as JSON, key: the window's key,
                        timestamp: the window's end
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from pipeline.base.errors import ContractError

EVENTS: Final = "events"
EVENTS_VALID: Final = "events_valid"
EVENTS_LATE: Final = "events_late"
EVENTS_DEAD_LETTER: Final = "events_dead_letter"
WINDOW_RESULTS: Final = "window_results"
TOPICS: Final = (EVENTS, EVENTS_VALID, EVENTS_LATE, EVENTS_DEAD_LETTER, WINDOW_RESULTS)

WINDOW_MS: Final = 5 * 60_000
"""The size of tumbling windows, and the hop of hopping ones. It also decides whether an event is late."""
HOPPING_WINDOW_MS: Final = 15 * 60_000
SESSION_GAP_MS: Final = 30 * 60_000
"""Events of an entity that are further apart belong to two sessions. A session ends one gap after its last
event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """The headers of a record in ``events_dead_letter``: the reason, and the record's origin."""

    reason: str
    source_topic: str
    source_partition: int
    source_offset: int

    @staticmethod
    def from_headers(headers: Sequence[tuple[str, bytes | None]]) -> DeadLetter:
        """Read a record's headers. Raises ContractError if they are not those of a dead letter."""
        try:
            texts = {name: (value or b"").decode() for name, value in headers}
            return DeadLetter(
                reason=texts["reason"],
                source_topic=texts["source_topic"],
                source_partition=int(texts["source_partition"]),
                source_offset=int(texts["source_offset"]),
            )
        except (KeyError, ValueError) as error:
            raise ContractError(f"not the headers of a dead letter: {list(headers)}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowResult:
    """The value of a record in ``window_results``: a JSON object of these names. Times are ms since 1970."""

    window_kind: Literal["tumbling", "hopping", "session"]
    key: str
    """The category; for sessions the entity_id."""
    window_start: int
    """Inclusive. A session starts with its first event."""
    window_end: int
    """Exclusive; of a session, a gap after its last event."""
    events: int
    measured: int
    """Events whose value is not null."""
    value_sum: float | None
    """Null if nothing was measured, or if the sum is not finite, which JSON cannot express."""
    value_min: float | None
    value_max: float | None
