"""Where computed events come from: by column, chunk by chunk, as they are needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from harness.load.send.computed.times import EventTimes
from harness.load.traces.generate.events import CHUNK_EVENTS, EventGenerator, payloads_of

Payloads = Callable[[Sequence[int]], Sequence[bytes]]
"""Of the events at these places of a chunk. Made on demand, since a worker sends only its share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Neighbouring events. Its lists are parallel: one entry per event."""

    keys: Sequence[bytes] | None
    """None where no event has one."""
    payloads: Payloads
    offsets_ms: Sequence[int]
    """Event time, from that of the first event."""


class Source(Protocol):
    """Events in the order in which they should be sent."""

    def chunks(self, events: int) -> Iterator[Chunk]:
        """The first ``events`` of them."""
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


def listed(payloads: Sequence[bytes]) -> Payloads:
    """Payloads that exist already."""

    def at(places: Sequence[int]) -> Sequence[bytes]:
        if isinstance(places, range):
            return payloads[places.start : places.stop]
        return list(map(payloads.__getitem__, places))

    return at


def _drawn(events: pa.RecordBatch) -> Payloads:
    def at(places: Sequence[int]) -> Sequence[bytes]:
        return payloads_of(events.take(pa.array(places)))

    return at
