"""Where the events of a live load come from: by column, chunk by chunk, as they are needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from harness.load.generate.events import CHUNK_EVENTS, EventGenerator
from harness.load.generate.payloads import payloads_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Neighbouring events. Its lists run in parallel, an entry an event."""

    keys: Sequence[bytes] | None
    """None where no event has one."""
    payloads: Sequence[bytes]
    offsets_ms: Sequence[int]
    """Event time, from that of the first event."""


class Source(Protocol):
    """Events in the order in which they are to be sent."""

    def chunks(self, events: int) -> Iterator[Chunk]:
        """The first ``events`` of them, or all when there are fewer."""
        ...


@dataclass(frozen=True, slots=True)
class GeneratedSource:
    """Drawn from a seed, evenly over ``span_ms`` of event time."""

    generator: EventGenerator
    span_ms: int

    def chunks(self, events: int) -> Iterator[Chunk]:
        """A chunk of the generator at a time."""
        for drawn in self.generator.chunks(events):
            first = drawn.column("number")[0].as_py()
            yield Chunk(
                keys=drawn.column("entity_id").cast(pa.binary()).to_pylist(),
                payloads=payloads_of(drawn),
                offsets_ms=_evenly(first, drawn.num_rows, self.span_ms, events),
            )


@dataclass(frozen=True, slots=True)
class LineSource:
    """The lines of a file, which fits into memory, over and over; without keys, evenly over ``span_ms``."""

    path: Path
    span_ms: int

    def chunks(self, events: int) -> Iterator[Chunk]:
        """As many lines at a time as a generator draws. Raises ValueError when the file has none."""
        lines = self.path.read_bytes().splitlines()
        if not lines:
            raise ValueError(f"{self.path} has no lines")
        repeated = cycle(lines)
        for first in range(0, events, CHUNK_EVENTS):
            payloads = list(islice(repeated, min(CHUNK_EVENTS, events - first)))
            offsets_ms = _evenly(first, len(payloads), self.span_ms, events)
            yield Chunk(keys=None, payloads=payloads, offsets_ms=offsets_ms)


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
        payloads=rows.column("payload").to_pylist(),
        offsets_ms=rows.column("event_offset_ms").to_pylist(),
    )


def _evenly(first: int, count: int, span_ms: int, events: int) -> list[int]:
    """Whole milliseconds from 0 to less than ``span_ms``; 0 where the span is."""
    begin_ms, rest = divmod(first * span_ms, events)
    offsets_ms: list[int] = (begin_ms + (rest + np.arange(count) * span_ms) // events).tolist()
    return offsets_ms
