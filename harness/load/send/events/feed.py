"""Reads a plan as its events come due, a few thousand at a time, never the whole file."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from harness.base.event_clock import EventClock
from harness.load.send.events.due_events import DueEvents
from harness.load.share import WHOLE, Share

_COLUMNS: Final = ["seq", "entity_id", "event_offset_ms", "send_offset_ms", "payload"]
_CHUNK_ROWS: Final = 8192
_DUE_EVENTS_MAX: Final = 5000
_DUE_SPAN_NS: Final = 50_000_000
"""``DueEvents`` cover at most this much intended time, however far behind the sending is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chunk:
    seqs: Sequence[int]
    keys: list[bytes]
    payloads: list[bytes]
    event_times_ms: list[int]
    intended_ns: list[int]


class PlanFeed:
    """The events of one worker's share of a plan, in its order, as they come due."""

    def __init__(self, plan: Path, clock: EventClock, share: Share = WHOLE) -> None:
        """Open the plan. Raises OSError or pyarrow's ArrowException when it cannot be read."""
        self._file = pq.ParquetFile(plan)
        self.total: int = self._file.metadata.num_rows
        """Events of the whole plan, not only of the share."""
        self._share = share
        self._chunks = self._read(clock)
        self._chunk = next(self._chunks, None)
        self._next = 0

    @property
    def next_intended_ns(self) -> int | None:
        """When the next event is to be sent; None after the last."""
        return None if self._chunk is None else self._chunk.intended_ns[self._next]

    def take_due(self, now_ns: int) -> DueEvents | None:
        """The next events that are due by now; None when there are none."""
        chunk, first = self._chunk, self._next
        if chunk is None or chunk.intended_ns[first] > now_ns:
            return None
        until_ns = min(now_ns, chunk.intended_ns[first] + _DUE_SPAN_NS)
        end = min(bisect_right(chunk.intended_ns, until_ns, lo=first), first + _DUE_EVENTS_MAX)
        self._next = end
        if end == len(chunk.payloads):
            # If reading fails, nothing is left to send, and what was sent before can still be recorded.
            self._chunk, self._next = None, 0
            self._chunk = next(self._chunks, None)
        return DueEvents(
            seqs=chunk.seqs[first:end],
            keys=chunk.keys[first:end],
            payloads=chunk.payloads[first:end],
            event_times_ms=chunk.event_times_ms[first:end],
            intended_ns=chunk.intended_ns[first:end],
            opened_ns=now_ns,
        )

    def _read(self, clock: EventClock) -> Iterator[_Chunk]:
        for rows in self._file.iter_batches(batch_size=_CHUNK_ROWS, columns=_COLUMNS):
            if chunk := _chunk(rows, clock, self._share):
                yield chunk


def _chunk(rows: pa.RecordBatch, clock: EventClock, share: Share) -> _Chunk | None:
    # A damaged event may have lost its entity; its seq then serves as its key.
    keys = pc.coalesce(rows.column("entity_id"), rows.column("seq").cast(pa.string())).cast(pa.binary())
    if share != WHOLE:
        own = pa.array([share.holds_entity(key) for key in keys.to_pylist()], pa.bool_())
        rows, keys = rows.filter(own), keys.filter(own)
    if not rows.num_rows:
        return None
    seqs = rows.column("seq").to_pylist()
    send_offsets_ms: np.ndarray[tuple[int], np.dtype[np.int64]] = rows.column("send_offset_ms").to_numpy()
    return _Chunk(
        seqs=seqs,
        keys=keys.to_pylist(),
        payloads=rows.column("payload").to_pylist(),
        event_times_ms=(rows.column("event_offset_ms").to_numpy() + clock.origin_ms).tolist(),
        intended_ns=clock.send_ns_of(send_offsets_ms).tolist(),
    )
