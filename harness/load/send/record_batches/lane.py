"""A partition's way to the platform, and how far it is used."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from harness.load.send.record_batches.link import Link, WireProducer
from harness.load.send.record_batches.prepared import PreparedBatch


@dataclass(slots=True, kw_only=True)
class Lane:
    """One partition's batches, each behind the one before it."""

    partition: int
    link: Link
    free_ns: int
    """Since when the platform has had room for the next batch: what is late since then is the generator's."""
    producer: WireProducer | None = None
    """Which took the last batch; None before the first."""
    answer: asyncio.Future[object] | None = None
    """That on the last batch."""
    last: PreparedBatch | None = None

    def look(self) -> None:
        """Take note of the room that the last batch left when it was let go."""
        if self.last is not None:
            self.free_ns = max(self.free_ns, self.last.freed_ns)
