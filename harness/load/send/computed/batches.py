"""Puts computed events into record batches, each of one partition's events in their order."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from harness.load.murmur2 import partition_of_bytes
from harness.load.send.computed.source import Chunk
from harness.load.send.record_batches.encode import Compression, encode_columns
from harness.load.send.record_batches.encoded_batch import EncodedBatch
from harness.load.send.record_batches.schedule import Pace
from harness.load.send.record_batches.supply import Shipment
from harness.load.share import WHOLE, Share

_KEYS_REMEMBERED: Final = 1_000_000
_TOO_LARGE: Final = "MessageSizeTooLargeError"
"""The broker's name for it. Sending it would use up a sequence, and those behind it would be refused."""

Placed = tuple[int, Shipment]
"""A partition, and what goes there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batching:
    """How events become batches."""

    partitions: int
    """Of the topic: keys go where Kafka's own clients send them."""
    batch_events: int
    """At most."""
    batch_bytes: int
    """At most, compressed: what the broker accepts. A single event that is larger is refused."""
    linger_ms: float
    """The longest that an event waits for others of its batch, where a pace says when each is due."""
    compression: Compression


class ComputedBatches:
    """Turns chunks into batches, one chunk after the other.

    A batch is closed when it is full, when its chunk ends, or when it has lingered. Events without keys go to
    the partitions in turn, a batch at a time. A partition's events are numbered from 0 in their order. Every
    worker draws all events and encodes those of its partitions: the batches are the same however many workers
    there are, and a key's events stay in one worker.
    """

    def __init__(self, batching: Batching, pace: Pace, *, origin_ms: int, share: Share = WHOLE) -> None:
        self._batching, self._pace, self._origin_ms, self._share = batching, pace, origin_ms, share
        self._numbered = [0] * batching.partitions
        self._arrived = 0
        self._turn = 0
        self._type = np.min_scalar_type(batching.partitions - 1)  # the smaller, the faster it is sorted
        self._partition_of: Callable[[bytes], int] = lru_cache(_KEYS_REMEMBERED)(
            lambda key: partition_of_bytes(key, batching.partitions)
        )

    def of(self, chunks: Iterable[Chunk]) -> Iterator[Sequence[Placed]]:
        """The batches of each chunk."""
        for chunk in chunks:
            yield list(self._of_chunk(chunk))
            self._arrived += len(chunk.offsets_ms)

    def _of_chunk(self, chunk: Chunk) -> Iterator[Placed]:
        for part in self._lingering(len(chunk.offsets_ms)):
            for partition, places in self._dealt(chunk, part):
                if self._share.holds_partition(partition):
                    yield from ((partition, shipment) for shipment in self._shipped(chunk, partition, places))

    def _lingering(self, events: int) -> Iterator[range]:
        """The places of a chunk, cut so that no part takes longer to arrive than events may linger."""
        first, linger_ns = 0, round(self._batching.linger_ms * 1e6)
        while first < events:
            due_ns = self._pace.due_ns(self._arrived + first)
            end = events if due_ns is None else self._end_of(range(first, events), due_ns + linger_ns)
            yield range(first, end)
            first = end

    def _end_of(self, places: range, until_ns: int) -> int:
        def due_ns(place: int) -> int:
            return self._pace.due_ns(self._arrived + place) or 0

        return places.start + bisect_right(places, until_ns, key=due_ns)

    def _dealt(self, chunk: Chunk, part: range) -> Iterator[tuple[int, Sequence[int]]]:
        """Whole batches of places, each with its partition."""
        full = self._batching.batch_events
        if chunk.keys is None:
            for first in range(0, len(part), full):
                yield self._turn, part[first : first + full]
                self._turn = (self._turn + 1) % self._batching.partitions
            return
        keys = chunk.keys[part.start : part.stop]
        partitions = np.fromiter(map(self._partition_of, keys), self._type, len(keys))
        ends = np.bincount(partitions, minlength=self._batching.partitions).cumsum().tolist()
        order: list[int] = (np.argsort(partitions, kind="stable") + part.start).tolist()
        for partition, (begin, end) in enumerate(zip([0, *ends], ends, strict=False)):
            for first in range(begin, end, full):
                yield partition, order[first : min(first + full, end)]

    def _shipped(self, chunk: Chunk, partition: int, places: Sequence[int]) -> Iterator[Shipment]:
        """One batch, or as many as needed for none to be larger than allowed."""
        batch = self._encoded(chunk, places)
        too_large = batch.size_bytes > self._batching.batch_bytes
        if too_large and len(places) > 1:
            middle = len(places) // 2
            yield from self._shipped(chunk, partition, places[:middle])
            yield from self._shipped(chunk, partition, places[middle:])
            return
        yield Shipment(
            batch=batch,
            shift_ms=self._origin_ms,
            first_number=self._numbered[partition],
            first_arrival=self._arrived + places[0],
            last_arrival=self._arrived + places[-1],
            refusal=_TOO_LARGE if too_large else "",
        )
        self._numbered[partition] += batch.count

    def _encoded(self, chunk: Chunk, places: Sequence[int]) -> EncodedBatch:
        compression = self._batching.compression
        return encode_columns(
            None if chunk.keys is None else map(chunk.keys.__getitem__, places),
            chunk.payloads(places),
            map(chunk.offsets_ms.__getitem__, places),
            compression,
        )
