"""Reads one event of the hot store by its full primary key, like a lookup."""

from __future__ import annotations

from random import Random
from typing import Final

from harness.load.readers.hot import HotReader
from harness.load.readers.protocol import Request
from harness.load.readers.sent_events import SentEvents
from pipeline.hot.schema import KEYSPACE, RECENT_EVENTS

_STATEMENT: Final = f"""
SELECT * FROM {KEYSPACE}.{RECENT_EVENTS} WHERE entity_id = ? AND day = ? AND event_time = ? AND event_id = ?
"""  # noqa: S608 -- table names cannot be bound


class HotPoint(HotReader):
    """A lookup of one event. It finds no row if a due event is not yet written."""

    operation = "hot_point_read"
    describes = "reads one event of the hot store by its full primary key"
    statement = _STATEMENT

    def next_request(self, rng: Random, sent: SentEvents, now_ns: int) -> Request:
        """Request an event that is due by now."""
        event = sent.draw(rng, now_ns)
        return Request(
            values=(event.entity_id, event.day, event.event_time_ms, event.event_id), seq=event.seq
        )
