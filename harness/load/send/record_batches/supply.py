"""Where the batches of a load at wire speed come from: a partition's next one, whenever it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from harness.load.send.record_batches.batch import EncodedBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """One send of a batch."""

    batch: EncodedBatch
    shift_ms: int
    """What its times are moved by."""
    first_number: int
    """Of its first event, as operations are recorded; the others of the batch follow it."""
    first_arrival: int
    last_arrival: int
    """Of its first and last event in the order of the whole load, by which they are due."""
    held_until_ns: int = 0
    """Until then, since the run's epoch, the platform left no room to build it."""
    source: str = "the events"
    """Where the batch is from, for messages."""
    refusal: str = ""
    """Why no broker would take it; then it fails without being sent."""


class Supply(Protocol):
    """Each partition's batches, in their order."""

    @property
    def partitions(self) -> Sequence[int]:
        """To which there may be something to send."""
        ...

    async def next(self, partition: int) -> Shipment | None:
        """The partition's next batch; None when there is no other."""
        ...

    def close(self) -> None:
        """Nothing more is wanted: whoever waits is given None."""
        ...
