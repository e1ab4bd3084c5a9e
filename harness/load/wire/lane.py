"""A partition's way to the platform, and how far it is used."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from harness.load.wire.link import Link, WireProducer


@dataclass(slots=True, kw_only=True)
class Lane:
    """One partition's batches, each behind the one before it."""

    partition: int
    link: Link
    producer: WireProducer | None = None
    """Which took the last batch; None before the first."""
    answer: asyncio.Future[object] | None = None
    """That on the last batch."""
