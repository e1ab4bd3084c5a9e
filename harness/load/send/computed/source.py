"""Where the events of a computed load come from: by column, chunk by chunk, as they are needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from harness.load.send.computed.times import EventTimes
from harness.load.traces.generate.events import CHUNK_EVENTS, EventGenerator
from harness.load.traces.generate.payloads import payloads_of

Payloads = Callable[[Sequence[int]], Sequence[bytes]]
"""Of the events at these places of a chunk. Made when they are asked for: a worker sends only its share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Neighbouring events. Its lists run in parallel, an entry an event."""

    keys: Sequence[bytes] | None
    """None where no event has one."""
    payloads: Payloads
    offsets_ms: Sequence[int]
    """Event time, from that of the first event."""


class Source(Protocol):
    """Events in the order in which they are to be sent."""

    def chunks(self, events: int) -> Iterator[Chunk]:
        """The first ``events`` of them, or all when there are fewer."""
        ...


@dataclass(frozen=True, slots=True)
class GeneratedSource:
    """Drawn from a seed."""

    generator: EventGenerator
    times: EventTimes

    def chunks(self, events: int) -> Iterator[Chunk]:
        """A chunk of the generator at a time."""
        for drawn in self.generator.chunks(events):
            yield Chunk(
                keys=drawn.column("entity_id").cast(pa.binary()).to_pylist(),
                payloads=_drawn(drawn),
                offsets_ms=self.times.offsets_ms(drawn.column("number")[0].as_py(), drawn.num_rows),
            )


@dataclass(frozen=True, slots=True)
class LineSource:
    """The lines of a file, which fits into memory, over and over; without keys."""

    path: Path
    times: EventTimes

    def chunks(self, events: int) -> Iterator[Chunk]:
        """As many lines at a time as a generator draws. Raises ValueError when the file has none."""
        lines = self.path.read_bytes().splitlines()
        if not lines:
            raise ValueError(f"{self.path} has no lines")
        repeated = cycle(lines)
        for first in range(0, events, CHUNK_EVENTS):
            payloads = list(islice(repeated, min(CHUNK_EVENTS, events - first)))
            offsets_ms = self.times.offsets_ms(first, len(payloads))
            yield Chunk(keys=None, payloads=listed(payloads), offsets_ms=offsets_ms)


@dataclass(frozen=True, slots=True)
class PlanSource:
    """The events of a plan, once, in its order and at its event times."""

    path: Path

    def chunks(self, events: int) -> Iterator[Chunk]:
        """A batch of the file's rows at a time."""
        columns = ["seq", "entity_id", "event_offset_ms", "payload"]
        with pq.ParquetFile(self.path) as file:
            for rows in file.iter_batches(columns=columns):
                kept = rows.slice(0, events)
                events -= kept.num_rows
                if kept.num_rows:
                    yield _planned(kept)


def _planned(rows: pa.RecordBatch) -> Chunk:
    # A damaged event may have lost its entity; its seq then serves as its key.
    keys = pc.coalesce(rows.column("entity_id"), rows.column("seq").cast(pa.string()))
    return Chunk(
        keys=keys.cast(pa.binary()).to_pylist(),
        payloads=listed(rows.column("payload").to_pylist()),
        offsets_ms=rows.column("event_offset_ms").to_pylist(),
    )


def listed(payloads: Sequence[bytes]) -> Payloads:
    """Those that are there already."""

    def at(places: Sequence[int]) -> Sequence[bytes]:
        if isinstance(places, range):
            return payloads[places.start : places.stop]
        return list(map(payloads.__getitem__, places))

    return at


def _drawn(events: pa.RecordBatch) -> Payloads:
    def at(places: Sequence[int]) -> Sequence[bytes]:
        return payloads_of(events.take(pa.array(places)))

    return at
