"""Draws events of a plan that are due at a given time, for readers to request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from random import Random
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from harness.base.event_clock import EventClock, day_of

_COLUMNS: Final = ["seq", "kind", "event_id", "entity_id", "event_offset_ms", "send_offset_ms"]
_EVENTS_MAX: Final = 1_000_000
"""From a larger plan, only every second, third, ... event is used, to stay within about 100 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentEvent:
    """The full key of an event in the hot store, and its place in the plan."""

    seq: int
    event_id: str
    entity_id: str
    event_time_ms: int

    @property
    def day(self) -> date:
        """The day of the event's partition, UTC."""
        return day_of(self.event_time_ms)


class SentEvents:
    """The valid events of a plan, by planned send time."""

    def __init__(self, plan: Path, clock: EventClock, *, events_max: int = _EVENTS_MAX) -> None:
        """Read the plan. Raises OSError or pyarrow's ArrowException if that fails."""
        self._clock = clock
        self._events = pa.Table.from_batches(_valid(pq.ParquetFile(plan), events_max), schema=_SCHEMA)
        self._send_ns = clock.send_ns_of(self._events.column("send_offset_ms").to_numpy())

    def draw(self, rng: Random, now_ns: int) -> SentEvent:
        """Draw an event due by ``now_ns`` with equal probability, or return the first if none is due.

        Entities are thus drawn by their popularity among the events sent so far.
        """
        due = int(np.searchsorted(self._send_ns, now_ns, side="right"))
        row = int(rng.random() * max(due, 1))
        seq, event_id, entity_id, offset_ms = (
            self._events.column(name)[row].as_py()
            for name in ("seq", "event_id", "entity_id", "event_offset_ms")
        )
        return SentEvent(
            seq=seq,
            event_id=event_id,
            entity_id=entity_id,
            event_time_ms=self._clock.event_time_ms(offset_ms),
        )


_SCHEMA: Final = pa.schema(
    [
        ("seq", pa.int64()),
        ("event_id", pa.string()),
        ("entity_id", pa.string()),
        ("event_offset_ms", pa.int64()),
        ("send_offset_ms", pa.int64()),
    ]
)


def _valid(plan: pq.ParquetFile, events_max: int) -> Iterator[pa.RecordBatch]:
    step = -(-plan.metadata.num_rows // events_max)
    for rows in plan.iter_batches(columns=_COLUMNS):
        valid = rows.filter(pc.equal(rows.column("kind").cast(pa.string()), "valid"))
        chosen = valid.filter(pa.array(valid.column("seq").to_numpy() % step == 0))
        yield chosen.select(_SCHEMA.names).cast(_SCHEMA)
