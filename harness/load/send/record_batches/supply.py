"""Where record batches come from: the next one of a partition, on demand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from harness.load.send.record_batches.encoded_batch import EncodedBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """One send of a batch."""

    batch: EncodedBatch
    shift_ms: int
    """Added to its times."""
    first_number: int
    """Of its first event, as operations are recorded; the others of the batch follow."""
    first_arrival: int
    last_arrival: int
    """The places of its first and last event in the order of the whole load, which decide when they are
    due."""
    held_until_ns: int = 0
    """Until when, since the run's epoch, the platform left no room to build it."""
    source: str = "the events"
    """Where the batch comes from, for messages."""
    refusal: str = ""
    """Why no broker would accept it; it then fails without being sent."""


class Supply(Protocol):
    """Each partition's batches, in their order."""

    @property
    def partitions(self) -> Sequence[int]:
        """Those that may have something to send."""
        ...

    async def next(self, partition: int) -> Shipment | None:
        """The partition's next batch; None after the last."""
        ...

    def close(self) -> None:
        """Nothing more is wanted: callers that wait get None."""
        ...
