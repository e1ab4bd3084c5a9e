"""Reads the latest events of an entity's day from the hot store, like a page showing its history."""

from __future__ import annotations

from random import Random
from typing import Final

from harness.load.readers.hot import HotReader
from harness.load.readers.protocol import Request
from harness.load.readers.sent_events import SentEvents
from pipeline.hot.schema import KEYSPACE, RECENT_EVENTS

_EVENTS: Final = 100
# The table's own order is newest first.
_STATEMENT: Final = f"""
SELECT * FROM {KEYSPACE}.{RECENT_EVENTS} WHERE entity_id = ? AND day = ? LIMIT {_EVENTS}
"""  # noqa: S608 -- table names cannot be bound


class HotRange(HotReader):
    """A read of up to a hundred rows of one partition."""

    operation = "hot_range_read"
    describes = f"reads the latest {_EVENTS} events of an entity's day from the hot store"
    statement = _STATEMENT

    def next_request(self, rng: Random, sent: SentEvents, now_ns: int) -> Request:
        """Request the entity and day of an event that is due by now."""
        event = sent.draw(rng, now_ns)
        return Request(values=(event.entity_id, event.day))
